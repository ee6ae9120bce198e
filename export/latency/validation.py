"""Validation: compares the predicted with the measured latency of routes."""

import pathlib
import statistics

import numpy as np

from export.checks.parity import Reference
from export.latency import probes, provenance
from export.latency.partial import Partial
from export.latency.precision import FLOAT32, Precision
from export.latency.report import plot
from export.latency.timed_routes import RUNS, time_routes
from export.source import Source
from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.files import whole_set, write_json
from tfdyn.routing.random_routes import spread_routes
from tfdyn.routing.route import distinct


def validate(
    source: Source,
    device,
    table: CostTable,
    images: np.ndarray,
    path: pathlib.Path,
    num_threads: int = 1,
    least: int = 10,
    most: int = 20,
    precision: Precision = FLOAT32,
) -> dict:
    """Measures routes on a device, compares them with a table, and writes the result.

    If the network is trained, the first half of the routes are those of images at its
    T. The other routes are random, from few branches to all. One file without routers
    takes each route as an input. Whole rounds are kept beside `path` until the result
    is written, as `.validation.json` and `.png`: a validation that was interrupted is
    resumed.

    Args:
        source: `Source` of the network.
        device: `Host`, `Adb` or `Browser`.
        table: Latency table, as `latency_table.compose` returns it.
        images: uint8 images `(n, height, width, channels)`, one for each route.
        path: JSON file of the table, whose name the files that are written share.
        num_threads: Threads of the device's CPU.
        least: Smallest number of rounds, in each of which everything is timed.
        most: Largest number of rounds; fewer are run if the medians are steady.
        precision: `Precision` of the table, and of the file that is timed.

    Returns:
        A dict ready for JSON: the settings; what `compare` returns for predicted and
        measured times; and three lists with an entry for each route, `predicted_ms`,
        `measured_ms` and `own` (whether it is the route of an image). Two more results
        of `compare` show the noise: `repeated` compares odd with even rounds, and
        `remeasured` compares the times from which the table was made with those of now.

    Raises:
        UserError: If the table is not one of `python -m export.latency`, or is of
            another device; if another command validates it, or the folder of the rounds
            was made by something else; and as from the device's session.
        OSError: As from the device's session. A note names the kept rounds.
    """
    provenance.check_device(table, device)
    model, spec = source.model, source.model.route_spec
    routes, of_images = choose_routes(source, images)
    saved = provenance.saved_by_forcing(table, model.modules)
    cost = RouteCost(model.modules, table)
    predicted = np.asarray(cost.total(spec.split(routes))) - saved
    names = [f"route {index}" for index in range(len(routes))]
    then = provenance.times_of_routes(table)
    repeated = {n: r for n, r in probes.random_routes(model).items() if n in then}
    inputs = {
        name: {"image": image, "route": route}
        for name, image, route in zip(names, images, routes, strict=True)
    }
    for name, route in repeated.items():
        inputs[f"the table's {name}"] = {"image": images[0], "route": route}
    identity = {
        "source": source.name,
        "device": device.describe(),
        "num_threads": num_threads,
        "runs": RUNS,
        "table": table.content(),
        "routes": [spec.to_text(route) for route in routes],
        **precision.provenance(),
    }
    with Partial(path.with_suffix(".validation.partial"), identity) as partial:
        all_times = time_routes(
            source,
            device,
            inputs,
            partial.folder,
            num_threads,
            (least, most),
            partial.times,
            partial.save,
            precision,
        )
        times = np.array([all_times[name] for name in names])
        content = {
            **_summary(predicted, times, then, all_times),
            "distinct_routes": len(distinct(routes)[0]),
            "device": device.describe(),
            "num_threads": num_threads,
            "precision": precision.name,
            "rounds": times.shape[1],
            "runs": RUNS,
            "predicted_ms": predicted.tolist(),
            "measured_ms": np.median(times, axis=1).tolist(),
            "own": of_images,
        }
        with whole_set(path.parent) as temporary:
            name = temporary / path.name
            write_json(name.with_suffix(".validation.json"), content)
            plot(name.with_suffix(".validation.png"), content)
    return content


def _summary(predicted, times, then, all_times):
    """Returns how near predictions and two kinds of repetition are to measurements."""
    odd, even = np.median(times[:, ::2], axis=1), np.median(times[:, 1::2], axis=1)
    result = compare(predicted, np.median(times, axis=1))
    result["repeated"] = compare(odd, even)
    again = {name: all_times.get(f"the table's {name}") for name in then}
    again = {name: np.median(values) for name, values in again.items() if values}
    if again:
        earlier = np.array([then[name] for name in again])
        result["remeasured"] = compare(earlier, np.array(list(again.values())))
    return result


def choose_routes(source: Source, images: np.ndarray) -> tuple[np.ndarray, list[bool]]:
    """Returns the routes to measure, and which of them are those of images.

    Args:
        source: `Source` of the network.
        images: uint8 images `(n, height, width, channels)`.

    Returns:
        Flat routes `(n, branches of all MixedOps)`, and a list of n booleans.
    """
    count, model = len(images), source.model
    half, routes = (count + 1) // 2 if source.run else 0, []
    if half:
        normalized = np.asarray(source.input_format.normalize(images[:half]))
        _, routes = Reference(model)(normalized, model.threshold)
    # The seeds differ from those of the probes, so the table was not fitted to these.
    random = spread_routes(model.route_spec, count - half, seed=1000)
    return np.stack([*routes, *random]), [index < half for index in range(count)]


def compare(predicted: np.ndarray, measured: np.ndarray) -> dict:
    """Returns how well latencies are predicted, a dict ready for JSON.

    Args:
        predicted: Latencies of n routes, `(n,)`.
        measured: Latencies of the same routes in the same unit, `(n,)`.

    Returns:
        `routes` (n), `correlation` (Pearson's; NaN, in JSON null, if all are equal),
        `within_5_percent` and `within_10_percent` (shares of the routes); and
        `median_error`, `worst_error` and `bias` (mean error) as shares of the measured
        latency.
    """
    error = predicted / measured - 1
    size = np.abs(error)
    differ = np.ptp(predicted) > 0 and np.ptp(measured) > 0
    correlation = np.corrcoef(predicted, measured)[0, 1] if differ else np.nan
    result = {
        "correlation": correlation,
        "within_5_percent": np.mean(size <= 0.05),
        "within_10_percent": np.mean(size <= 0.10),
        "median_error": statistics.median(size),
        "worst_error": size.max(),
        "bias": error.mean(),
    }
    return {"routes": len(error), **{key: float(v) for key, v in result.items()}}
