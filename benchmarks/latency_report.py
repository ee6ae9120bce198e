"""Report of routed latency: MACs, medians, the cost of a gate, a table and a plot."""

import pathlib

import numpy as np

from export.graph import trace
from tfdyn.figures import figure
from tfdyn.models.routed_model import RoutedModel
from tfdyn.text import align, readable

MARKERS = {"all_branches": "s", "routed": "o", "forced": "v", "fixed": "^"}
# Name in a summary, title in the table, and factor that converts to the title's unit.
ROWS = (
    ("time_saved", "time saved, %", 100),
    ("macs_saved", "MACs saved, %", 100),
    ("saved_ratio", "time saved / MACs saved", 1),
    ("routed_to_all_branches", "routed / all_branches", 1),
    ("routed_to_fixed", "routed / fixed", 1),
    ("routers_ms", "routers, ms", 1),
    ("gate_us", "a gate, µs", 1),
)


def route_macs(
    model: RoutedModel, routes: np.ndarray, routers: bool, ungated: tuple = ()
) -> dict[str, np.ndarray]:
    """Counts the MACs that each form runs on each route.

    Args:
        model: `RoutedModel`.
        routes: Flat routes `(n, branches of all MixedOps)`.
        routers: Whether routers run in the forms "routed" and "all_branches".
        ungated: Names of the branches that always run in the form "routed".

    Returns:
        Mapping from the names of the forms to MACs, arrays `(n,)`.
    """
    always, branches = trace.macs(model, routers=False)
    runs = np.asarray(routes) != 0
    on_route = always + runs @ branches
    on_all = np.full(len(routes), always + branches.sum())
    router_macs = trace.macs(model)[0] - always if routers else 0
    always_routed, gated = trace.macs(model, routers, ungated)
    return {
        "routed": always_routed + runs @ gated,
        "all_branches": on_all + router_macs,
        "forced": on_route,
        "fixed": on_route,
    }


def summary(rows: list[dict], branches: int, ungated: bool = False) -> dict:
    """Computes medians and quartiles over images.

    The cost of a gate is found in the form "forced", where every branch has one.

    Args:
        rows: For each image a dict with `branches`, the number of branches of its
            route, and with `macs` and `ms`, which map the names of the forms to
            numbers.
        branches: Number of branches of the network.
        ungated: Whether the form "routed" has fewer gates than the form "forced".

    Returns:
        A dict whose values come from `spread`, unless another type is named here:

        - `forms`: a dict with `macs` and `ms` for each form.
        - `time_saved`, `macs_saved`: shares of what the form all_branches takes, and
          `saved_ratio`, the first divided by the second.
        - `routed_to_all_branches`, `routed_to_fixed`: ratios of times.
        - `routers_ms`: milliseconds that the routers take. `None` without routers, and
          with `ungated`: then the two forms differ by more than the routers.
        - `gate_us`: microseconds that all gates take, divided by their number.
        - `gate_fit`: what `fit_gates` returns.
        - `fixed_images`: the number of images with a fixed form.
    """

    def column(unit, form, rows=rows):
        return np.array([row[unit][form] for row in rows if form in row[unit]])

    with_fixed = [row for row in rows if "fixed" in row["ms"]]
    ms = {form: column("ms", form) for form in MARKERS}
    time = ms["routed"] / ms["all_branches"]
    macs = column("macs", "routed") / column("macs", "all_branches")
    saves = macs < 1
    routers = len(ms["forced"]) > 0  # Without routers there is no forced form.
    gated = column("ms", "forced" if routers else "routed", with_fixed)
    gating_us = 1e3 * (gated - ms["fixed"])
    return {
        "forms": {
            form: {"macs": spread(column("macs", form)), "ms": spread(ms[form])}
            for form in MARKERS
            if len(ms[form])
        },
        "time_saved": spread(1 - time),
        "macs_saved": spread(1 - macs),
        "saved_ratio": spread((1 - time[saves]) / (1 - macs[saves])),
        "routed_to_all_branches": spread(time),
        "routed_to_fixed": spread(column("ms", "routed", with_fixed) / ms["fixed"]),
        "routers_ms": (
            spread(ms["routed"] - ms["forced"]) if routers and not ungated else None
        ),
        "gate_us": spread(gating_us / branches),
        "gate_fit": fit_gates(
            [row["branches"] for row in with_fixed], branches, gating_us
        ),
        "fixed_images": len(with_fixed),
    }


def spread(values) -> dict | None:
    """Returns the `median` and the `quartiles` of numbers, or `None` without numbers.

    Args:
        values: Array `(n,)`.
    """
    if not len(values):
        return None
    low, median, high = np.percentile(values, (25, 50, 75))
    return {"median": float(median), "quartiles": [float(low), float(high)]}


def fit_gates(gates_taken, gates: int, microseconds) -> dict[str, float] | None:
    """Fits the cost of a taken gate and of one that is not taken, by least squares.

    Args:
        gates_taken: Number of gates that each image takes, `(n,)`.
        gates: Number of gates of the network.
        microseconds: Time of all gates for each image, `(n,)`.

    Returns:
        A dict in microseconds: `taken_us` and `not_taken_us`, and their standard
        errors, `taken_se_us` and `not_taken_se_us`. `None` if the routes are too few
        or too similar: a standard error would exceed the mean cost of a gate.
    """
    gates_taken = np.asarray(gates_taken, "float64")
    counts = np.stack([gates_taken, gates - gates_taken], axis=-1)
    freedom = len(gates_taken) - 2
    if freedom < 1 or np.linalg.matrix_rank(counts) < 2:
        return None
    cost, (residual,), _, _ = np.linalg.lstsq(counts, np.asarray(microseconds))
    errors = np.sqrt(np.diag(np.linalg.inv(counts.T @ counts)) * residual / freedom)
    if errors.max() > abs(np.mean(microseconds)) / gates:
        return None
    names = ("taken_us", "not_taken_us", "taken_se_us", "not_taken_se_us")
    return dict(zip(names, map(float, (*cost, *errors)), strict=True))


def table(content: dict) -> str:
    """Returns the results of `routed_latency.measure` as text.

    Args:
        content: What `routed_latency.measure` returned.
    """
    threshold, images = content["threshold"], len(content["images"])
    routes = "random routes" if threshold is None else f"T={threshold}"
    forms = [["", "graph", "MACs", "latency, ms"]]
    for form, row in content["forms"].items():
        macs = readable(row["macs"]["median"])
        forms.append([form, content["variants"][form], macs, _text(row["ms"], 1)])
    fit, gates = content["gate_fit"], "not determined by these routes"
    if fit:
        gates = (
            "{taken_us:.3g} and {not_taken_us:.3g} by least squares "
            "(standard errors {taken_se_us:.2g} and {not_taken_se_us:.2g})"
        ).format(**fit)
    numbers = [[title, _text(content[name], scale)] for name, title, scale in ROWS]
    numbers.append(["  taken, not taken", gates])
    litert = content["litert_benchmark"]
    benchmark = [[form, _litert(litert[form])] for form in ("routed", "all_branches")]
    return "\n".join(
        [
            f"{content['source']}, {routes}: {images} images, "
            f"{len(content['routes'])} routes, {content['gates']} gates; "
            f"{content['threads']} thread; medians over the images and quartiles",
            "",
            align(forms, left_columns=2),
            "",
            align(numbers, left_columns=2),
            "",
            f"fixed graphs of {content['fixed_routes']} routes, which "
            f"{content['fixed_images']} of {images} images take",
            f"litert-benchmark, in ms, on {litert['inputs']}",
            align(benchmark, left_columns=2),
        ]
    )


def _litert(row):
    form = "{error}" if "error" in row else "mean {avg_ms}, median {median_ms}"
    return form.format(**row)


def _text(values, scale):
    if values is None:
        return "-"
    low, high = values["quartiles"]
    median = scale * values["median"]
    return f"{median:.3g}  ({scale * low:.3g} to {scale * high:.3g})"


def plot(path: str | pathlib.Path, content: dict) -> None:
    """Plots latency against MACs, with one point for each image and form.

    Args:
        path: PNG file to write.
        content: What `routed_latency.measure` returned.
    """
    with figure(path, (7, 5)) as axes:
        for form in content["forms"]:
            rows = [row for row in content["images"] if form in row["ms"]]
            macs = [row["macs"][form] / 1e6 for row in rows]
            graph = content["variants"][form]
            label = form if graph == form else f"{form} (the {graph} graph)"
            ms = [row["ms"][form] for row in rows]
            axes.plot(macs, ms, MARKERS[form], alpha=0.5, label=label)
        axes.set(xlabel="MACs (M)", ylabel="latency, one thread (ms)")
        axes.set_title(content["source"])
        axes.set(xlim=(0, None), ylim=(0, None))
        axes.legend()
