"""Profiler: times a network on a device, and writes a latency table."""

import datetime
import functools
import pathlib

import numpy as np

from export import manifest
from export.latency import latency_table, rounds
from export.latency.partial import Partial
from export.latency.precision import FLOAT32, Precision
from export.latency.probes import Probes
from export.source import Source
from tfdyn.costs.cost_table import CostTable
from tfdyn.errors import UserError

# Runs of a file each time that it is timed: few, so that there are many rounds.
RUNS = 50


def profile(
    source: Source,
    device,
    path: pathlib.Path,
    image: np.ndarray,
    num_threads: int = 1,
    least: int = 8,
    most: int = 40,
    precision: Precision = FLOAT32,
) -> CostTable:
    """Times the modules and gates of a network on a device; writes a latency table.

    Whole rounds are kept beside `path` until the table is written: a profile that was
    interrupted is resumed.

    Args:
        source: `Source` of the network.
        device: `Host`, `Adb` or `Browser`.
        path: JSON file to write.
        image: uint8 image `(height, width, channels)`.
        num_threads: Threads of the device's CPU.
        least: Smallest number of rounds, in each of which everything is timed.
        most: Largest number of rounds; fewer are run if the medians are steady.
        precision: `Precision` of the files that are timed.

    Returns:
        `CostTable` in ms.

    Raises:
        UserError: If another command measures for this path, the folder of the rounds
            was made by something else, or no module takes any time; and as from the
            device's session.
        OSError: As from the device's session. A note names the kept rounds.
    """
    provenance = {
        "source": source.name,
        "device": device.describe(),
        "num_threads": num_threads,
        "runs": RUNS,
        "versions": manifest.versions(),
        **precision.provenance(),
    }
    identity = {**provenance, "network": source.model.get_config()}
    with Partial(path.with_suffix(".partial"), identity) as partial:
        probes = Probes(source, partial.folder, image, precision)
        probes.make()
        with device.session(probes.files, probes.inputs, num_threads) as measure:
            times = rounds.alternate(
                functools.partial(measure, runs=RUNS),
                probes.files,
                (least, most),
                partial.times,
                partial.save,
            )
        provenance["rounds"] = len(next(iter(times.values())))
        provenance["date"] = datetime.date.today().isoformat()
        try:
            table = latency_table.compose(source, times, probes.routes, provenance)
        except UserError:
            partial.save({})  # Or the same command would fail for ever.
            raise
        table.save(path)
    return table
