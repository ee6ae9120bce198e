"""The evaluation of a run as a plot."""

from tfdyn.figures import figure
from tfdyn.routing.threshold import threshold_label


def plot(path, results: list[tuple], shown: int, title: str = "") -> None:
    """Draws accuracy against MACs, and which branches run at one threshold.

    Args:
        path: PNG file to write.
        results: List of pairs: a threshold, and the result of `Evaluator` at it.
        shown: Index of the result whose use of branches is drawn, as in DRNet's
            figure 2. If it has categories, their use is drawn too.
        title: Title of the curve, such as options of the inference.
    """
    threshold, result = results[shown]
    names, rows = _use(result)
    size = 11 + 0.2 * max(0, len(names) - 10), max(4.0, 0.16 * len(rows) + 2)
    with figure(path, size, columns=2) as (left, right):
        points = [
            (row["macs_mean"] / 1e6, 100 * row["accuracy"], each)
            for each, row in results
        ]
        # T may be a number or a tuple: the two have no order.
        points.sort(key=lambda point: point[:2])
        left.plot([macs for macs, _, _ in points], [y for _, y, _ in points], "o-")
        for index, (macs, y, each) in enumerate(points):
            place = (4, 6 if index % 2 else -12)
            text = threshold_label(each)
            left.annotate(text, (macs, y), place, textcoords="offset points")
        left.set(xlabel="MACs an image (M)", ylabel="test accuracy (%)", title=title)
        left.margins(0.12)
        right.grid(False)
        image = right.imshow(rows, aspect="auto", vmin=0, vmax=1, cmap="viridis")
        label = threshold_label(threshold)
        right.set_title(f"share of images that run a branch, {label}")
        right.set_xticks(range(len(names)), names, rotation=30, ha="right")
        right.set_yticks(range(len(rows)), list(result["use"]), fontsize=6)
        right.figure.colorbar(image)


def _use(result):
    """Returns the names of the columns, and a row of shares for each MixedOp."""
    use, categories = result["use"], result.get("use_by_category", {})
    branches = list(dict.fromkeys(name for shares in use.values() for name in shares))
    names, rows = [], [[] for _ in use]
    for branch in branches:
        names += [branch, *(f"{branch}, {category}" for category in categories)]
        for row, op in zip(rows, use, strict=True):
            row += [each[op].get(branch, 0.0) for each in (use, *categories.values())]
    return names, rows
