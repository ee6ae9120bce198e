"""Thresholds for goals: the T at which a mean stays within a limit."""

import dataclasses
import functools
import math

from tfdyn.errors import UserError
from tfdyn.evaluation.threshold_search import largest_threshold, smallest_threshold


@dataclasses.dataclass(frozen=True)
class Goal:
    """A limit on a mean over the validation images.

    Attributes:
        name: Name of the limit in `evaluation.json`, and of its flag.
        metric: Name of the limited mean among the results of `Evaluator`.
        validation_name: Name of that mean in a row of `evaluation.json`.
        largest: Largest value that the limit may have.
        unit: Unit of limit and mean.
        margin: Share of the limit that is kept free, because means measured on a
            device are a little above predicted ones.
        is_least: Whether the limit is the least value of the mean, and the smallest T
            is sought; otherwise it is the largest value, and the largest T is.
    """

    name: str
    metric: str
    validation_name: str
    largest: float
    unit: str
    margin: float = 0.0
    is_least: bool = False


# For three budgets, the means measured on a device were 1.3 to 2.3 % above the
# predicted means.
BUDGET_MS = Goal("budget_ms", "ms_mean", "validation_ms", math.inf, "ms", margin=0.03)
# Counted, not measured: no margin. `python -m tfdyn.tune` has such budgets.
BUDGET_MACS = Goal("budget_macs", "macs_mean", "validation_macs", math.inf, "MACs")
# DMNN's r: the share of the branches' MACs that run.
TARGET_RATE = Goal(
    "target_rate", "executed_share", "validation_rate", 1.0, "of the branches' MACs"
)


LEAST_ACCURACY = Goal(
    "least_accuracy",
    "accuracy",
    "validation_accuracy",
    1.0,
    "of the images",
    is_least=True,
)


def choose_thresholds(
    goal: Goal, limits, evaluator, dataset, batch_size: int = 250
) -> list[dict]:
    """Finds, for each limit, the T that meets it on the validation images.

    Args:
        goal: `BUDGET_MS`, `TARGET_RATE` or `LEAST_ACCURACY`.
        limits: List of numbers, or of texts of numbers: milliseconds an image, shares
            of the branches' MACs, or accuracies from above 0 to 1.
        evaluator: `Evaluator`; for `BUDGET_MS` with a table in ms.
        dataset: `Dataset` with validation images.
        batch_size: Number of images in a batch.

    Returns:
        A list of dicts ready for JSON: `threshold`, the limit under the goal's name,
        the mean at T under its `validation_name`, and `validation_examples`, the
        number of validation images.

    Raises:
        UserError: If a limit is not a number in the goal's range or cannot be met, or
            there are no validation images.
    """
    limits = [_check(goal, limit) for limit in limits]
    examples = count_validation(dataset) if limits else 0

    @functools.cache  # Several searches try the same thresholds.
    def mean(threshold):
        results = evaluator.on(dataset, "validation", threshold, batch_size)
        return results[goal.metric]

    rows = []
    for limit in limits:
        try:
            if goal.is_least:
                threshold = smallest_threshold(mean, limit)
            else:
                limit_with_margin = (1 - goal.margin) * limit
                threshold = largest_threshold(mean, limit_with_margin, unit=goal.unit)
        except UserError as error:
            kept = f" ({goal.margin:.0%} of it are kept free)" if goal.margin else ""
            raise UserError(
                f"--{goal.name}={limit:g}{kept} cannot be met: {error}"
            ) from error
        rows.append(
            {
                "threshold": threshold,
                goal.name: limit,
                goal.validation_name: mean(threshold),
                "validation_examples": examples,
            }
        )
    return rows


def count_validation(dataset) -> int:
    """Returns the number of validation images.

    Args:
        dataset: `Dataset`.

    Raises:
        UserError: If there are none.
    """
    examples = dataset.num_examples("validation")
    if not examples:
        raise UserError(
            f"A threshold for a budget or a rate, and gates to leave out, are chosen "
            f"on validation images, and this run was trained with "
            f"--validation_share=0, which leaves none of {dataset.name}. Choose a "
            f"threshold yourself: `python -m tfdyn.evaluate` compares several."
        )
    return examples


def _check(goal, limit):
    try:
        number = float(limit)
    except (TypeError, ValueError):
        number = math.nan
    # An infinite limit is no limit.
    if not (0 < number <= goal.largest and math.isfinite(number)):
        top = "" if math.isinf(goal.largest) else f" and at most {goal.largest:g}"
        raise UserError(
            f"--{goal.name} is a number above 0{top} ({goal.unit}); got {limit!r}."
        )
    return number
