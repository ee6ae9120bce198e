"""Timed routes: the times of routes, by one file that takes the route as an input."""

import functools
import pathlib
from collections.abc import Callable

from export.graph.form import Form
from export.latency import probes, rounds
from export.latency.precision import FLOAT32, Precision
from export.source import Source
from tfdyn.files import whole

# Runs of a route each time that it is timed: there are many routes.
RUNS = 15


def time_routes(
    source: Source,
    device,
    inputs: dict[str, dict],
    folder: pathlib.Path,
    num_threads: int,
    limits: tuple[int, int],
    done: dict | None = None,
    save: Callable[[dict], None] | None = None,
    precision: Precision = FLOAT32,
) -> dict[str, list[float]]:
    """Times routes on a device, in rounds.

    Args:
        source: `Source` of the network.
        device: `Host`, `Adb` or `Browser`.
        inputs: Mapping from names of routes to `{"image": image, "route": route}`: a
            uint8 image `(height, width, channels)`, and a flat route.
        folder: Folder for the file, which is made if it is not there.
        num_threads: Threads of the device's CPU.
        limits: Smallest and largest number of rounds.
        done: Times of earlier rounds, as for `rounds.alternate`.
        save: Function that is called with the times after each round.
        precision: `Precision` of the file.

    Returns:
        Mapping from the names to times in ms, one for each round.

    Raises:
        UserError, OSError: As from the device's session.
    """
    path = folder / "forced.tflite"
    if not probes.usable(path):
        with whole(path) as temporary:
            temporary.write_bytes(precision.network(source, Form("forced")))
    files = dict.fromkeys(inputs, path)
    with device.session(files, inputs, num_threads) as measure:
        measure = functools.partial(measure, runs=RUNS)
        return rounds.alternate(measure, files, limits, done, save)
