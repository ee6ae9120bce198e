"""Points of a run: accuracy and cost on the validation images, at several T."""

from collections.abc import Sequence

from tfdyn.costs.cost_table import CostTable
from tfdyn.errors import UserError
from tfdyn.evaluation.evaluator import Evaluator, load_data
from tfdyn.evaluation.thresholds import choose_thresholds, count_validation
from tfdyn.runs.run_folder import RunFolder
from tfdyn.tuning.objective import Objective


def points_of_run(
    run: RunFolder,
    thresholds: Sequence[float],
    objectives: Sequence[Objective] = (),
    table: CostTable | None = None,
    data_dir: str | None = None,
) -> list[dict]:
    """Evaluates a finished run on its validation images, at several T.

    Args:
        run: `RunFolder`.
        thresholds: Values of T. A network without routers runs the same at every T,
            and is evaluated at 1 alone.
        objectives: Objectives whose budgets add points: each the largest T that meets
            the budget, if one does.
        table: `CostTable` in milliseconds, if there is one.
        data_dir: Path of the data, if they have moved since the training.

    Returns:
        A list of dicts, by rising cost: `threshold`; `accuracy`, from 0 to 1; the mean
        cost of an image, `macs` and, with a table, `ms`.

    Raises:
        UserError: If the run is not finished or has no validation images, or the table
            lacks a module of the network.
    """
    model = run.load_model()
    dataset = load_data(run, data_dir)
    count_validation(dataset)
    evaluator = Evaluator(model, table)
    if not model.has_routers:
        thresholds = [1.0]
    thresholds = list(thresholds)
    for objective in objectives:
        if objective.kind == "accuracy":
            thresholds += _largest(objective, evaluator, dataset)
    points = []
    for threshold in dict.fromkeys(thresholds):
        row = evaluator.on(dataset, "validation", threshold)
        point = {"threshold": threshold, "accuracy": row["accuracy"]}
        units = [unit for unit in ("macs", "ms") if f"{unit}_mean" in row]
        points.append(point | {unit: row[f"{unit}_mean"] for unit in units})
    return sorted(points, key=lambda point: (point["macs"], point["threshold"]))


def _largest(objective, evaluator, dataset):
    """Returns the largest T that meets a budget, in a list, or an empty list."""
    try:
        rows = choose_thresholds(objective.goal, [objective.budget], evaluator, dataset)
    except UserError:  # Even the smallest T costs more.
        return []
    return [row["threshold"] for row in rows]
