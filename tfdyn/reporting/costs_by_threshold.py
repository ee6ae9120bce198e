"""How the costs of images are spread at each T of an evaluation."""

from tfdyn.figures import figure
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import SIZE, UNITS, cost_text, scale_of
from tfdyn.routing.threshold import check_threshold, threshold_label

# What the quantiles of an evaluation are in the picture.
PARTS = ("whislo", "q1", "med", "q3", "whishi")


def costs_by_threshold(content: dict) -> list[Picture]:
    """Returns a picture of costs over T in MACs, and one in ms if there are some.

    An evaluation of before it had quantiles has no picture.

    Args:
        content: Content of `evaluation.json`.
    """
    return [
        _picture(unit, sorted(boxes, key=lambda box: (box["mean"], box["med"])))
        for unit in ("macs", "ms")
        if (boxes := _boxes(content, unit))
    ]


def _boxes(content, unit):
    """Returns the costs of each T as matplotlib's `bxp` takes them."""
    rows = {str(row["threshold"]): row for row in content["routed"]}
    return [
        {
            "label": threshold_label(check_threshold(row["threshold"])),
            "mean": row[f"{unit}_mean"],
            **dict(zip(PARTS, row[f"{unit}_quantiles"], strict=True)),
        }
        for row in rows.values()
        if f"{unit}_quantiles" in row
    ]


def _picture(unit, boxes):
    scale, label = scale_of(unit)

    def draw(path):
        scaled = [
            {name: box[name] * scale for name in ("mean", *PARTS)} for box in boxes
        ]
        with figure(path, SIZE) as axes:
            axes.bxp(
                scaled,
                showfliers=False,
                showmeans=True,
                medianprops={"color": "C1"},
                **{f"{part}props": {"color": "C0"} for part in ("box", "whisker")},
                capprops={"color": "C0"},
            )
            axes.set_xticklabels([box["label"] for box in boxes], rotation=30)
            axes.set(ylabel=label)
            axes.set_ylim(0, 1.08 * max(box["whishi"] for box in scaled))

    texts = [
        f"{box['label']} {cost_text(box['whislo'], unit)} to "
        f"{cost_text(box['whishi'], unit)}, median {cost_text(box['med'], unit)}"
        for box in boxes
    ]
    return Picture(
        f"costs_by_threshold_{unit}",
        f"{UNITS[unit]} at each T: a box holds half of the test images, the lines "
        f"90 % of them; the line in it is the median, the triangle the mean.",
        f"{UNITS[unit]}, of 90 % of the images. {'; '.join(texts)}.",
        draw,
    )
