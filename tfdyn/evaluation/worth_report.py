"""The worth of a router, of one run or of several, as a table and as a plot."""

import statistics

from tfdyn.figures import figure
from tfdyn.routing.threshold import threshold_label
from tfdyn.text import align, readable

NAME = "router_worth"


def mean_of(contents: list[dict]) -> dict:
    """Returns the mean and the standard deviation of several runs, number by number.

    Args:
        contents: Contents of `router_worth.json` of runs with the same thresholds.

    Returns:
        The content of the first, with `{"mean": number, "std": number}` in the place of
        each number. The frontiers, which have routes of their own, are left out.
    """
    first, *_ = contents
    if isinstance(first, dict):
        return {
            name: value
            if name == "threshold"
            else mean_of([content[name] for content in contents])
            for name, value in first.items()
            if name != "frontier"
        }
    if isinstance(first, list):
        return [mean_of(list(rows)) for rows in zip(*contents, strict=True)]
    if isinstance(first, int | float) and None not in contents:
        return {"mean": statistics.fmean(contents), "std": statistics.stdev(contents)}
    return first


def table(content: dict, title: str) -> str:
    """Returns a report as text for people.

    Args:
        content: Content of `router_worth.json`, or what `mean_of` returned.
        title: What was measured, the first line.
    """
    lines = [title]
    for part in content["thresholds"]:
        label = threshold_label(part["threshold"])
        rows = [[label, "accuracy", content["unit"]]]
        rows += [
            [name, _percent(row["accuracy"]), _cost(row["cost"])]
            for name, row in part["rows"].items()
        ]
        lines += ["", align(rows), "", *_sentences(part)]
    static = content["static"]
    rows = [["", "accuracy", content["unit"]]]
    for name in ("oracle", "static twin"):
        row = static.get("oracle") if name == "oracle" else content.get("static_twin")
        if row:
            rows.append([name, _percent(row["accuracy"]), _cost(row["cost"])])
    lines += ["", align(rows)]
    if "frontier" in static:
        rows = [["best fixed routes", "validation", "test", content["unit"]]]
        rows += [
            [
                route["route"],
                _percent(route["validation_accuracy"]),
                _percent(route["accuracy"]),
                _cost(route["cost"]),
            ]
            for route in static["frontier"]
        ]
        tried = f"{static['tried']:,} of {static['possible']:,.0f} fixed routes tried"
        lines += ["", align(rows), "", tried]
    return "\n".join(lines)


def _sentences(part):
    gains = [
        f"own - {name}: {_points(part[key]['gain'])}"
        + _error(part[key]["standard_error"])
        for key, name in (("over_static", "best static"), ("over_others", "others'"))
    ]
    return [
        ", ".join(gains),
        f"{_number(part['routes_in_use'])} routes in use, the commonest for "
        f"{_percent(part['most_frequent_share'])} of the images; cost: standard "
        f"deviation {_percent(part['cost_spread'])} of the mean",
        f"mutual information of route and class: {_number(part['information'])} bits "
        f"({_number(part['information_by_chance'])} by chance)",
        f"mean cost: right {_cost(part['cost_right'])}, wrong "
        f"{_cost(part['cost_wrong'])}; easy third {_cost(part['cost_easy'])}, hard "
        f"third {_cost(part['cost_hard'])}",
    ]


def plot(path, content: dict, title: str) -> None:
    """Draws accuracy against cost: own, fixed routes, others' routes, the oracle.

    Args:
        path: PNG file to write.
        content: Content of `router_worth.json` of one run.
        title: Title of the plot.
    """
    scale, unit = (1e6, "MACs (M)") if content["unit"] == "macs" else (1, "ms")
    with figure(path, (7, 5)) as axes:
        frontier = content["static"]["frontier"]
        curves = {"best static": frontier}
        for name in ("own", "others'", "random"):
            curves[name] = [part["rows"][name] for part in content["thresholds"]]
        curves["oracle"] = [content["static"]["oracle"]]
        if "static_twin" in content:
            curves["static twin"] = [content["static_twin"]]
        for name, rows in curves.items():
            rows = sorted(rows, key=lambda row: row["cost"])
            axes.plot(
                [row["cost"] / scale for row in rows],
                [100 * row["accuracy"] for row in rows],
                "o-" if name in ("own", "best static") else "o--",
                label=name,
            )
        axes.set(xlabel=f"{unit} an image", ylabel="test accuracy (%)", title=title)
        axes.legend()


def _over_runs(number, text):
    """Returns a number as text, with its standard deviation if there is one."""
    if number is None:
        return "-"
    if isinstance(number, dict):
        return f"{text(number['mean'])} ± {text(number['std'])}"
    return text(number)


def _percent(number):
    return _over_runs(number, lambda value: f"{100 * value:.2f}") + " %"


def _points(number):
    return _over_runs(number, lambda value: f"{100 * value:+.2f}") + " points"


def _error(number):
    return "" if isinstance(number, dict) else f" (standard error {100 * number:.2f})"


def _cost(number):
    return _over_runs(
        number, lambda value: readable(value) if value >= 1000 else f"{value:.4g}"
    )


def _number(number):
    return _over_runs(number, lambda value: f"{value:.3g}")
