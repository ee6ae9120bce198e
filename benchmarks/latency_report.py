"""What routed latency amounts to: MACs, medians, the cost of a gate, table and plot."""

import numpy as np

from export.graph import trace
from tfdyn.figures import figure
from tfdyn.text import align, readable

MARKERS = {"all_branches": "s", "routed": "o", "forced": "v", "fixed": "^"}
# Of a summary: what people read for it, and by what it is multiplied for them.
ROWS = (
    ("time_saved", "time saved, %", 100),
    ("macs_saved", "MACs saved, %", 100),
    ("saved_ratio", "time saved / MACs saved", 1),
    ("routed_to_all_branches", "routed / all_branches", 1),
    ("routed_to_fixed", "routed / fixed", 1),
    ("routers_ms", "routers, ms", 1),
    ("gate_us", "a gate, µs", 1),
)


def route_macs(model, routes, routers):
    """Returns the MACs that each form runs, by name, arrays `(n,)`.

    Args:
        model: `RoutedModel`.
        routes: `(n, branches of all MixedOps)`.
        routers: Whether the routed form and that of all branches run the routers.
    """
    rest, branches = trace.macs(model, routers=False)
    fixed = rest + (np.asarray(routes) != 0) @ branches
    every = np.full(len(routes), rest + branches.sum())
    more = trace.macs(model)[0] - rest if routers else 0
    return {
        "routed": fixed + more,
        "all_branches": every + more,
        "forced": fixed,
        "fixed": fixed,
    }


def summary(rows, gates):
    """Returns medians and quartiles over images, `None` where there is nothing.

    Args:
        rows: For each image a dict: `gates_taken`, and `macs` and `ms` by form.
        gates: How many gates the routed form has.

    Returns:
        A dict: `forms` (`macs` and `ms` of each); `time_saved` and `macs_saved`, shares
        of all branches', and `saved_ratio`, the one by the other;
        `routed_to_all_branches` and `routed_to_fixed`, ratios of times; `routers_ms`;
        `gate_us`, what all gates take, by their number; `gate_fit`, of `fit_gates`;
        `fixed_images`, how many images have a fixed form.
    """

    def column(unit, form, rows=rows):
        return np.array([row[unit][form] for row in rows if form in row[unit]])

    covered = [row for row in rows if "fixed" in row["ms"]]
    ms = {form: column("ms", form) for form in MARKERS}
    time = ms["routed"] / ms["all_branches"]
    macs = column("macs", "routed") / column("macs", "all_branches")
    saves = macs < 1
    routers = len(ms["forced"]) > 0  # Else the routed form has none.
    gated = column("ms", "forced" if routers else "routed", covered)
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
        "routed_to_fixed": spread(column("ms", "routed", covered) / ms["fixed"]),
        "routers_ms": spread(ms["routed"] - ms["forced"]) if routers else None,
        "gate_us": spread(gating_us / gates),
        "gate_fit": fit_gates([r["gates_taken"] for r in covered], gates, gating_us),
        "fixed_images": len(covered),
    }


def spread(values):
    """Returns the median and the quartiles of numbers, `None` of no numbers."""
    if not len(values):
        return None
    low, median, high = np.percentile(values, (25, 50, 75))
    return {"median": float(median), "quartiles": [float(low), float(high)]}


def fit_gates(taken, gates, microseconds):
    """Fits the cost of a gate taken and of one not taken, by least squares.

    Args:
        taken: How many gates each image takes, `(n,)`.
        gates: How many there are.
        microseconds: What all gates take for each image, `(n,)`.

    Returns:
        A dict: `taken_us` and `not_taken_us`, and their standard errors, `taken_se_us`
        and `not_taken_se_us`; `None` where these are larger than the mean cost of a
        gate: the routes are too few or too much alike.
    """
    taken = np.asarray(taken, "float64")
    counts = np.stack([taken, gates - taken], axis=-1)
    freedom = len(taken) - 2
    if freedom < 1 or np.linalg.matrix_rank(counts) < 2:
        return None
    cost, (residual,), _, _ = np.linalg.lstsq(counts, np.asarray(microseconds))
    errors = np.sqrt(np.diag(np.linalg.inv(counts.T @ counts)) * residual / freedom)
    if errors.max() > abs(np.mean(microseconds)) / gates:
        return None
    names = ("taken_us", "not_taken_us", "taken_se_us", "not_taken_se_us")
    return dict(zip(names, map(float, (*cost, *errors)), strict=True))


def table(content: dict) -> str:
    """Returns what `routed_latency.measure` returned as text."""
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
    numbers = [[title, _text(content[name], by)] for name, title, by in ROWS]
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


def _text(values, by):
    if values is None:
        return "-"
    low, high = values["quartiles"]
    return f"{by * values['median']:.3g}  ({by * low:.3g} to {by * high:.3g})"


def plot(path, content: dict) -> None:
    """Draws latency against MACs, one point for each image and form.

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
