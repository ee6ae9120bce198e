"""Accuracy against cost: runs over T, and static networks beside them."""

from collections.abc import Mapping

from tfdyn.figures import figure
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import SIZE, UNITS, cost_text, scale_of, short
from tfdyn.routing.threshold import check_threshold, threshold_label


def accuracy_by_cost(
    contents: Mapping[str, dict],
    peers: Mapping[str, dict],
    worths: Mapping[str, dict | None],
) -> list[Picture]:
    """Returns a picture in MACs, and one in milliseconds if a run has them.

    Args:
        contents: Contents of `evaluation.json`, by the name of the run.
        peers: Contents of `evaluation.json` of static networks, by name.
        worths: Contents of `router_worth.json`, by the name of the run, or `None`:
            their best fixed routes are drawn too.
    """
    pictures = []
    for unit in ("macs", "ms"):
        lines = {name: _points(content, unit) for name, content in contents.items()}
        static = {name: _points(content, unit)[-1:] for name, content in peers.items()}
        for name, content in worths.items():
            if content and content["unit"] == unit:
                lines[f"{name}: best fixed routes"] = [
                    (row["cost"], row["accuracy"], "")
                    for row in content["static"]["frontier"]
                ]
        if any(lines.values()):
            pictures.append(_picture(unit, lines, static))
    return pictures


def _points(content, unit):
    """Returns cost, accuracy and label of each T, sorted by cost."""
    points = [
        (row[f"{unit}_mean"], row["accuracy"], _label(row["threshold"]))
        for row in content["routed"]
        if f"{unit}_mean" in row
    ]
    full = content["all_branches"]
    if unit in full and all(row["threshold"] != 1.0 for row in content["routed"]):
        points.append((full[unit], full["accuracy"], "T=1"))
    return sorted(points)


def _label(threshold):
    return threshold_label(check_threshold(threshold))


def _picture(unit, lines, static):
    scale, label = scale_of(unit)

    def draw(path):
        with figure(path, SIZE) as axes:
            for style, some in (("o-", lines), ("D", static)):
                for name, points in some.items():
                    costs = [scale * cost for cost, _, _ in points]
                    accuracy = [100 * each for _, each, _ in points]
                    axes.plot(costs, accuracy, style, label=short(name, 40))
                    texts = [text for *_, text in points] if style == "o-" else []
                    for index, text in enumerate(texts):
                        axes.annotate(
                            text,
                            (costs[index], accuracy[index]),
                            (4, 6 if index % 2 else -12),
                            textcoords="offset points",
                            fontsize="small",
                        )
            axes.set(xlabel=label, ylabel="test accuracy (%)")
            axes.margins(0.15)
            axes.legend(fontsize="small")

    texts = [
        f"{name}: "
        + ", ".join(
            f"{text} {100 * accuracy:.2f} % at {cost_text(cost, unit)}".strip()
            for cost, accuracy, text in points
        )
        for name, points in {**lines, **static}.items()
        if points
    ]
    return Picture(
        f"accuracy_{unit}",
        f"{UNITS[unit]} and test accuracy, one point for each T"
        + (", diamonds for static networks." if static else "."),
        f"{'. '.join(texts)}.",
        draw,
    )
