"""The worth of a router, of one run or of several, as a table and as a plot."""

import statistics

from tfdyn.figures import figure
from tfdyn.routing.threshold import threshold_label
from tfdyn.text import align, readable

NAME = "router_worth"
# The rows whose cost has the router in it. Fixed and random routes need none.
WITH_ROUTER = ("own", "others'")
# Rows whose costs differ by a larger share are not compared without a word.
LARGEST_DIFFERENCE = 0.01
PAYS = f"{' and '.join(WITH_ROUTER)} pay for the router; the other rows have none"


def mean_of(contents: list[dict]) -> dict:
    """Returns the mean and the standard deviation of several runs, number by number.

    Args:
        contents: Contents of `router_worth.json` of at least two runs.

    Returns:
        The content of the first, with `{"mean": number, "std": number}` in the place of
        each number. The standard deviation is that of a sample. The frontiers, which
        have routes of their own, are left out.
    """
    return _mean_of(contents)


def _mean_of(contents):
    first, *_ = contents
    if isinstance(first, dict):
        return {
            name: value
            if name in ("threshold", "examples")
            else _mean_of([content[name] for content in contents])
            for name, value in first.items()
            if name != "frontier"
        }
    if isinstance(first, list):
        return [_mean_of(list(rows)) for rows in zip(*contents, strict=True)]
    if isinstance(first, int | float) and None not in contents:
        return {"mean": statistics.fmean(contents), "std": statistics.stdev(contents)}
    return None if None in contents else first


def table(content: dict, title: str) -> str:
    """Returns a report as text for people.

    Args:
        content: Content of `router_worth.json`, or what `mean_of` returned.
        title: What was measured, the first line.
    """
    lines = [title]
    for part in content["thresholds"]:
        rows = rows_of_routes(part, content["unit"])
        lines += ["", align(rows), "", PAYS, *sentences(part)]
    static = content["static"]
    cost = _heading(content["unit"])
    rows = [["", "accuracy", cost]]
    for name in ("oracle", "static twin"):
        row = static.get("oracle") if name == "oracle" else content.get("static_twin")
        if row:
            rows.append([name, _percent(row["accuracy"]), _cost(row["cost"])])
    lines += ["", align(rows)]
    if "frontier" in static:
        rows = [["best fixed routes", "validation", "test", cost]]
        rows += [
            [
                route["route"],
                _percent(route["validation_accuracy"]),
                _percent(route["accuracy"]),
                _cost(route["cost"]),
            ]
            for route in static["frontier"]
        ]
        lines += ["", align(rows)]
    return "\n".join([*lines, "", _tried(static)])


def rows_of_routes(part: dict, unit: str) -> list[list[str]]:
    """Returns accuracy and cost of each kind of routes, the first row with headings.

    Args:
        part: One of the `thresholds` in `router_worth.json`.
        unit: Unit of its costs.
    """
    return [
        [threshold_label(part["threshold"]), "accuracy", _heading(unit)],
        *(
            [name, _percent(row["accuracy"]), _cost(row["cost"])]
            for name, row in part["rows"].items()
        ),
    ]


def _heading(unit):
    return "MACs an image" if unit == "macs" else f"{unit} an image"


def _tried(static):
    tried, possible, limit = (
        _mean(static[name]) for name in ("tried", "possible", "limit")
    )
    large = f"{possible:.1e}".replace("e+", "e")
    number = f"{possible:,.0f}" if possible < 1e9 else large
    text = f"{tried:,.0f} of {number} fixed routes tried"
    if tried < min(possible, limit):
        text += "; none is left that differs in one branch from one of the best"
    elif tried < possible:
        text += "; --routes ended the search, so a better one may exist"
    return text


def sentences(part: dict) -> list[str]:
    """Returns what the router gains, and how its routes differ between images.

    Args:
        part: One of the `thresholds` in `router_worth.json`.
    """
    gains = [
        f"own - {name}: {_points(part[key]['gain'])}"
        + _error(part[key]["standard_error"])
        for key, name in (("over_static", "best static"), ("over_others", "others'"))
    ]
    return [
        ", ".join(gains),
        *_unequal(part["rows"]),
        f"{_number(part['routes_in_use'])} routes in use, the commonest for "
        f"{_percent(part['most_frequent_share'])} of the images; cost: standard "
        f"deviation {_percent(part['cost_spread'])} of the mean",
        f"mutual information of route and class: {_number(part['information'])} bits "
        f"({_number(part['information_by_chance'])} by chance)",
        f"mean cost: right {_cost(part['cost_right'])}, wrong "
        f"{_cost(part['cost_wrong'])}; easy third {_cost(part['cost_easy'])}, hard "
        f"third {_cost(part['cost_hard'])}",
    ]


def _unequal(rows):
    """Returns a sentence, if the best fixed routes cost something else than own."""
    share = _mean(rows["best static"]["cost"]) / _mean(rows["own"]["cost"]) - 1
    if abs(share) <= LARGEST_DIFFERENCE:
        return []
    word = "less" if share < 0 else "more"
    return [
        f"best static costs {100 * abs(share):.3g} % {word} than own: the gain over it "
        f"is not at equal cost"
    ]


def plot(path, content: dict, title: str, size: tuple[float, float] = (7, 5)) -> None:
    """Draws accuracy against cost, a line for each kind of routes.

    Args:
        path: PNG file to write.
        content: Content of `router_worth.json` of one run.
        title: Title of the plot.
        size: Width and height in inches.
    """
    scale, unit = (1e6, "MACs (M)") if content["unit"] == "macs" else (1, "ms")
    with figure(path, size) as axes:
        frontier = content["static"]["frontier"]
        curves = {"best static": frontier}
        for name in ("own", "others'", "most frequent", "random"):
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
                label=name + (" (pays for the router)" if name in WITH_ROUTER else ""),
            )
        parts = content["thresholds"]
        for index, part in enumerate(
            sorted(parts, key=lambda part: part["rows"]["own"]["cost"])
        ):
            row, text = part["rows"]["own"], threshold_label(part["threshold"])
            point = row["cost"] / scale, 100 * row["accuracy"]
            place = (4, 6 if index % 2 else -12)
            axes.annotate(text, point, place, textcoords="offset points")
        axes.margins(0.1)
        axes.set(xlabel=f"{unit} an image", ylabel="test accuracy (%)", title=title)
        axes.legend()


def _mean(number):
    return number["mean"] if isinstance(number, dict) else number


def _over_runs(number, text):
    """Returns a number as text, with its standard deviation, which has no sign."""
    if number is None:
        return "-"
    if isinstance(number, dict):
        return f"{text(number['mean'])} ± {text(number['std']).removeprefix('+')}"
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
