"""Validation: predicted against measured latency, of routes through a network."""

import pathlib
import statistics
import tempfile

import numpy as np

from export.checks.parity import Reference
from export.graph import trace
from export.graph.form import Form
from export.latency import latency_table, probes, rounds
from export.tflite import convert
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.files import whole
from tfdyn.routing.random_routes import spread_routes
from tfdyn.routing.route import distinct

# Runs of a route each time that it is timed: there are many routes.
RUNS = 15


def validate(source, device, table, images, num_threads=1, least=10, most=20):
    """Measures routes on a device, and compares them with a table's predictions.

    Of a trained network the first half are the routes of images at its own T; the rest
    are random, from the lightest to all. Each is an input of one file without routers.

    Args:
        source: `export.source.Source`.
        device: `Host` or `Adb`.
        table: Latency table of `latency_table.compose`.
        images: uint8 images `(n, height, width, channels)`, one a route.
        num_threads: Threads of the device's CPU.
        least: Rounds at least, in each of which all are timed.
        most: Rounds at most; fewer, if the medians are steady.

    Returns:
        A dict ready for JSON: what `compare` returns of predicted and measured, and
        the settings; `predicted_ms`, `measured_ms` and `own`, lists over routes. The
        noise is what `compare` returns of the odd rounds and the even, `repeated`, and
        of the routes that the table tells of, then and now, `remeasured`.

    Raises:
        ValueError: If the table is not one of `python -m export.latency`, or of another
            device; as the device's session.
        OSError: As the device's session.
    """
    of = table.provenance.get("device", {}).get("device", device.name)
    if of != device.name:
        raise UserError(
            f"The latency table is of the device {of}, not of {device.name}: name "
            f"another --output, or another --device."
        )
    forced, own = choose_routes(source, images)
    model = source.model
    saved = latency_table.saved_by_forcing(table, model.modules)
    cost = RouteCost(model.modules, table)
    predicted = np.asarray(cost.total(model.route_spec.split(forced))) - saved
    names = [f"route {index}" for index in range(len(forced))]
    then = table.provenance.get("routes", {})
    known = {n: r for n, r in probes.random_routes(model).items() if n in then}
    again = [f"the table's {name}" for name in known]
    inputs = {
        name: {"image": image, "route": route}
        for name, image, route in zip(
            names + again,
            [*images, *[images[0]] * len(known)],
            [*forced, *known.values()],
            strict=True,
        )
    }
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "forced.tflite")
        function = trace.gated(model, source.input_format, Form("forced"))
        path.write_bytes(convert(function))
        files = dict.fromkeys(inputs, path)
        with device.session(files, inputs, num_threads) as measure:
            timed = rounds.alternate(measure, files, (least, most), RUNS)
    times = np.array([timed[name] for name in names])
    measured = np.median(times, axis=1)
    odd, even = np.median(times[:, ::2], axis=1), np.median(times[:, 1::2], axis=1)
    noise = {"repeated": compare(odd, even)}
    if known:
        now = np.array([np.median(timed[name]) for name in again])
        noise["remeasured"] = compare(np.array([then[name] for name in known]), now)
    return {
        **compare(predicted, measured),
        **noise,
        "distinct_routes": len(distinct(forced)[0]),
        "device": device.describe(),
        "num_threads": num_threads,
        "rounds": times.shape[1],
        "runs": RUNS,
        "predicted_ms": predicted.tolist(),
        "measured_ms": measured.tolist(),
        "own": own,
    }


def choose_routes(source, images):
    """Returns routes `(n, branches of all MixedOps)`, and which are images' own."""
    count, model = len(images), source.model
    half, own = (count + 1) // 2 if source.run else 0, []
    if half:
        normalized = np.asarray(source.input_format.normalize(images[:half]))
        _, own = Reference(model)(normalized, model.threshold)
    # Seeds that the profile does not use: it is told nothing of these.
    random = spread_routes(model.route_spec, count - half, seed=1000)
    return np.stack([*own, *random]), [index < half for index in range(count)]


def compare(predicted, measured):
    """Returns how well latencies are predicted, a dict ready for JSON.

    Args:
        predicted: Of n routes, an array `(n,)`.
        measured: Likewise.

    Returns:
        `routes` (n), `correlation` (Pearson's; NaN if none differ), `within_5_percent`
        and `within_10_percent` (shares of the routes), `median_error`, `worst_error`
        and `bias` (mean error), shares of what was measured.
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


def plot(path, content):
    """Draws predicted against measured latency.

    Args:
        path: PNG file to write.
        content: What `validate` returned.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5.5), layout="tight")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    predicted, measured = content["predicted_ms"], content["measured_ms"]
    for label, marker, kind in (
        ("random routes", "o", False),
        ("routes of images", "^", True),
    ):
        chosen = [i for i, own in enumerate(content["own"]) if own == kind]
        points = [[values[i] for i in chosen] for values in (measured, predicted)]
        axes.plot(*points, marker, label=label, alpha=0.6, markersize=5)
    ends = np.array([0, 1.05 * max(measured)])
    axes.plot(ends, ends, "k-", linewidth=0.8, label="predicted = measured")
    axes.plot(ends, 0.9 * ends, "k:", linewidth=0.8, label="10 % off")
    axes.plot(ends, 1.1 * ends, "k:", linewidth=0.8)
    axes.set(xlabel="measured, ms", ylabel="predicted, ms")
    axes.set_title(
        f"{content['routes']} routes on {content['device']['device']}: r = "
        f"{content['correlation']:.4f}, {content['within_10_percent']:.0%} within 10 %"
    )
    axes.grid(alpha=0.3)
    axes.legend()
    with whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
