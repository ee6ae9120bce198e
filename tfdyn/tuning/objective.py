"""Objective: the number that a search raises, computed from a trial's points."""

import dataclasses
import re
from collections.abc import Sequence

from tfdyn.errors import UserError
from tfdyn.evaluation.thresholds import BUDGET_MACS, BUDGET_MS, Goal

MAGNITUDES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}
GOALS = {"macs": BUDGET_MACS, "ms": BUDGET_MS}
PATTERN = re.compile(r"(accuracy|hypervolume)(?:@([\d.]+(?:e[+-]?\d+)?)(k|M|G|ms)?)?")


@dataclasses.dataclass(frozen=True)
class Objective:
    """A number between 0 and 1 that a search raises, if the budget can be met.

    Attributes:
        name: How the user wrote it: "accuracy@23M", "accuracy@0.7ms", "hypervolume" or
            "hypervolume@40M".
        kind: "accuracy" or "hypervolume".
        unit: Unit of the cost, "macs" or "ms".
        budget: Limit on the mean cost of an image, or `None`: all branches of the
            network of the flagfile.
    """

    name: str
    kind: str
    unit: str
    budget: float | None

    @property
    def goal(self) -> Goal:
        """The `Goal` by which T is chosen for the budget."""
        return GOALS[self.unit]

    def value(self, points: Sequence[dict]) -> float:
        """Returns the objective of a trial.

        - accuracy: the largest accuracy of the points within the budget. If there is
          none, `1 - COST / BUDGET` of the cheapest point, a number below 0: the nearer
          to the budget, the larger.
        - hypervolume: the area under the frontier of the points, from no cost to the
          budget, divided by the budget: the mean over all costs of the accuracy that
          the cost can buy.

        Args:
            points: Points of the trial on the validation images, as dicts with
                `accuracy` and the cost under the name of the unit.
        """
        if self.kind == "hypervolume":
            return area(points, self.unit, self.budget)
        limit = (1 - self.goal.margin) * self.budget
        within = [
            point["accuracy"]
            for point in points
            if point[self.unit] <= limit * (1 + 1e-9)
        ]
        if within:
            return max(within)
        return 1 - min(point[self.unit] for point in points) / limit


def parse(texts: Sequence[str], reference: float | None = None) -> list[Objective]:
    """Returns the objectives that the user wrote. Their sum is raised.

    Args:
        texts: Texts such as "accuracy@23M".
        reference: Budget in MACs of a "hypervolume" that has none.

    Raises:
        UserError: If a text is no objective, or there is none.
    """
    objectives = []
    for text in texts:
        match = PATTERN.fullmatch(text)
        budget = _number(match[2]) if match and match[2] else None
        without = match and match[1] == "hypervolume" and not match[2]
        if not match or not (without or budget):
            raise UserError(
                f"--objective={text} is unknown: write accuracy@23M (MACs of an image: "
                f"k, M or G), accuracy@0.7ms, hypervolume, hypervolume@40M or "
                f"hypervolume@1ms; several with commas."
            )
        unit = "ms" if match[3] == "ms" else "macs"
        if budget:
            budget *= MAGNITUDES.get(match[3] or "", 1)
        objectives.append(Objective(text, match[1], unit, budget or reference))
    if len({objective.name for objective in objectives}) < len(texts) or not texts:
        raise UserError("--objective names one objective, or several different ones.")
    return objectives


def frontier(points: Sequence[dict], unit: str) -> list[dict]:
    """Returns the points that no cheaper one equals in accuracy, by rising cost.

    Args:
        points: Dicts with `accuracy` and the cost under the name of the unit.
        unit: "macs" or "ms".
    """
    best = []
    for point in sorted(points, key=lambda point: (point[unit], -point["accuracy"])):
        if not best or point["accuracy"] > best[-1]["accuracy"]:
            best.append(point)
    return best


def area(points: Sequence[dict], unit: str, budget: float) -> float:
    """Returns the mean, over all costs up to a budget, of the accuracy they can buy.

    Args:
        points: Dicts with `accuracy` and the cost under the name of the unit.
        unit: "macs" or "ms".
        budget: Largest cost that counts.
    """
    steps = [point for point in frontier(points, unit) if point[unit] < budget]
    ends = [*(point[unit] for point in steps), budget][1:]
    total = sum(
        point["accuracy"] * (end - point[unit])
        for point, end in zip(steps, ends, strict=True)
    )
    return total / budget


def _number(text):
    try:
        return float(text)
    except ValueError:
        return None
