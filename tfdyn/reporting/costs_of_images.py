"""Costs of the test images: how they are spread, and what easy and hard ones cost."""

import numpy as np

from tfdyn.evaluation import route_statistics
from tfdyn.figures import figure
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import SIZE, UNITS, cost_text, scale_of

PARTS = 10
# What `route_statistics.describe` calls the mean costs of some images.
GROUPS = {
    "cost_right": "images that are classified right",
    "cost_wrong": "images that are classified wrong",
    "cost_easy": "easy images",
    "cost_hard": "hard images",
}


def cost_histogram(costs: np.ndarray, at_most: float, unit: str) -> Picture:
    """Returns a picture of how the costs of images are spread.

    Args:
        costs: Cost of each image, `(n,)`.
        at_most: Mean cost of an image at T=1.
        unit: Unit of the costs: "macs" or "ms".
    """
    scale, label = scale_of(unit)
    mean = costs.mean(dtype=float)

    def draw(path):
        with figure(path, SIZE) as axes:
            axes.hist(scale * costs, bins=40)
            axes.axvline(scale * mean, color="C1", label="mean")
            axes.axvline(scale * at_most, color="C3", linestyle="--", label="T=1")
            axes.set(xlabel=label, ylabel="test images")
            axes.legend(fontsize="small")

    low, middle, high = np.quantile(costs, [0.05, 0.5, 0.95])
    return Picture(
        f"costs_{unit}",
        f"{UNITS[unit]}, over the {len(costs):,} test images.",
        f"Mean {cost_text(mean, unit)}, standard deviation "
        f"{cost_text(costs.std(dtype=float), unit)}, median {cost_text(middle, unit)}, "
        f"90 % of the images between {cost_text(low, unit)} and "
        f"{cost_text(high, unit)}; at T=1 {cost_text(at_most, unit)}.",
        draw,
    )


def cost_by_certainty(costs: np.ndarray, confidence: np.ndarray, unit: str) -> Picture:
    """Returns a picture of the mean cost of images, from hard ones to easy ones.

    Args:
        costs: Cost of each image, `(n,)`.
        confidence: How sure the network is of each with all branches, `(n,)`.
        unit: Unit of the costs.
    """
    scale, label = scale_of(unit)
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(costs[order], PARTS) if len(part)]
    means = [part.mean(dtype=float) for part in parts]
    errors = [part.std(dtype=float) / np.sqrt(len(part)) for part in parts]

    def draw(path):
        with figure(path, SIZE) as axes:
            axes.errorbar(
                range(1, len(means) + 1),
                scale * np.array(means),
                scale * np.array(errors),
                fmt="o-",
                capsize=3,
            )
            axes.set(xlabel="tenth of the images: 1 least certain", ylabel=label)

    texts = [cost_text(mean, unit) for mean in means]
    return Picture(
        "cost_by_certainty",
        "Mean cost by how certain the network is with all branches, with standard "
        "errors.",
        f"Mean cost from the least to the most certain tenth: {', '.join(texts)}.",
        draw,
    )


def statistics_rows(statistics: dict, unit: str) -> list[tuple[str, str]]:
    """Returns what `route_statistics.describe` returned, for people.

    Args:
        statistics: Dict that it returned.
        unit: Unit of its costs.
    """
    rows = [
        ("Routes in use", f"{statistics['routes_in_use']:,}"),
        ("Images on the commonest route", _percent(statistics["most_frequent_share"])),
        ("Standard deviation of the cost", _percent(statistics["cost_spread"])),
        (
            "Information of the route on the class",
            f"{statistics['information']:.3g} bits "
            f"({statistics['information_by_chance']:.3g} by chance)",
        ),
    ]
    for key, images in GROUPS.items():
        cost = statistics[key]
        text = "none" if cost is None else cost_text(cost, unit)
        rows.append((f"Mean cost of {images}", text))
    easy, hard = statistics["cost_easy"], statistics["cost_hard"]
    if easy is not None and hard:
        saved = 100 * (1 - easy / hard)
        rows.append(
            (
                "Easy images cost, beside hard ones,",
                f"{abs(saved):.2f} % {'less' if saved >= 0 else 'more'}",
            )
        )
    return rows


def describe(images: dict, full: dict, unit: str) -> dict:
    """Returns the numbers of `route_statistics.describe` for a run.

    Args:
        images: What `Evaluator.images` returned at a T.
        full: The same with all branches.
        unit: Unit of the costs.
    """
    return route_statistics.describe(
        images["route"],
        images["label"],
        images[unit],
        images["predicted"] == images["label"],
        full["confidence"],
    )


def _percent(share):
    return f"{100 * share:.2f} %"
