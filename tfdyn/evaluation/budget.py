"""Budget: the threshold T of a run for a mean of so many predicted milliseconds."""

import functools
import math
import pathlib

from tfdyn.costs.cost_table import CostTable
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.evaluation.threshold_search import largest_threshold

# Share of a budget that predictions leave free. Means measured for three budgets were
# 1.3 to 2.3 % above the predicted.
MARGIN = 0.03


def threshold_for(run, model, dataset, budget_ms, cost_table=None):
    """Chooses T for a run and a budget.

    Args:
        run: `RunFolder`.
        model: Its `RoutedModel`.
        dataset: Its `Dataset`.
        budget_ms: Milliseconds an image, on average.
        cost_table: Path of a table in ms; default: the run's own.

    Returns:
        As `thresholds_for` of one budget, and `cost_table`, the table's path.

    Raises:
        ValueError: As `load_table` and `thresholds_for`.
    """
    path, table = load_table(run, cost_table, needed=True)
    (choice,) = thresholds_for([budget_ms], Evaluator(model, table), dataset)
    return {**choice, "cost_table": path}


def load_table(run, cost_table=None, needed=False):
    """Returns the path of a run's cost table and the `CostTable`, or `None` twice.

    Args:
        run: `RunFolder`.
        cost_table: Path of a table; default: the run's own latency table, if it has
            just one, else the table in ms that it was trained with.
        needed: Whether there must be one, in ms.

    Raises:
        ValueError: If the file is not a cost table, or what is needed is missing.
    """
    paths = [cost_table] if cost_table else run.latency_tables() or _trained_with(run)
    if len(paths) == 1:
        return str(paths[0]), (load_in_ms if needed else CostTable.load)(paths[0])
    if needed and paths:
        raise ValueError(
            f"{run} has several latency tables: {', '.join(map(str, paths))}. Name "
            f"the one to keep the budget by with --cost_table."
        )
    if needed:
        raise ValueError(
            f"{run} has no latency table to predict milliseconds by. Make one with "
            f"`python -m export.latency --run_dir={run}`, or name one by --cost_table."
        )
    return None, None


def load_in_ms(path):
    """Returns the `CostTable` of a file.

    Raises:
        ValueError: If the file is not a cost table, or not in ms.
    """
    table = CostTable.load(path)
    if table.unit != "ms":
        raise ValueError(
            f"{path} is in {table.unit}: a table in ms is needed, as `python -m "
            f"export.latency` makes it."
        )
    return table


def _trained_with(run):
    path = run.settings().cost_table
    known = path and pathlib.Path(path).exists() and CostTable.load(path).unit == "ms"
    return [path] if known else []


def thresholds_for(budgets, evaluator, dataset, batch_size=250):
    """Chooses, for each budget, the largest T that meets it on the validation share.

    Meets it with a margin, `MARGIN` of the budget: measured means are a little off
    predicted ones.

    Args:
        budgets: Milliseconds an image, on average; texts of numbers will do.
        evaluator: `Evaluator` with a table in ms.
        dataset: `Dataset` with a validation share.
        batch_size: Images at once.

    Returns:
        A list of dicts: `threshold`, `budget_ms`, `validation_ms` (the mean predicted
        at T) and `validation_examples`, ready for JSON.

    Raises:
        ValueError: If a budget is no number above 0 or cannot be met, or there are no
            validation images.
    """
    budgets = [_check(budget) for budget in budgets]
    examples = count_validation(dataset) if budgets else 0

    @functools.cache  # Budgets share thresholds.
    def mean_ms(threshold):
        return evaluator.on(dataset, "validation", threshold, batch_size)["ms_mean"]

    choices = []
    for budget in budgets:
        try:
            threshold = largest_threshold(mean_ms, (1 - MARGIN) * budget)
        except ValueError as error:
            raise ValueError(
                f"A budget of {budget:g} ms, of which {MARGIN:.0%} are kept for what "
                f"predictions are off, cannot be met: {error}"
            ) from error
        numbers = threshold, budget, mean_ms(threshold), examples
        names = "threshold", "budget_ms", "validation_ms", "validation_examples"
        choices.append(dict(zip(names, numbers, strict=True)))
    return choices


def count_validation(dataset):
    """Returns how many validation images there are to choose by.

    Raises:
        ValueError: If there are none.
    """
    examples = dataset.num_examples("validation")
    if not examples:
        raise ValueError(
            f"A threshold for a budget or a rate, and gates to leave out, are chosen "
            f"on validation images, and this run was trained with "
            f"--validation_share=0, which leaves none of {dataset.name}. Choose a "
            f"threshold yourself by what `python -m tfdyn.evaluate` says of several."
        )
    return examples


def _check(budget):
    try:
        number = float(budget)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError(f"A budget is a number of ms above 0; got {budget!r}.")
    return number
