"""Results of a search: the frontier over all trials, and the best trial."""

import contextlib
from collections.abc import Sequence

from tfdyn.costs.cost_table import CostTable
from tfdyn.errors import UserError
from tfdyn.evaluation import reports
from tfdyn.evaluation.evaluate_run import evaluate
from tfdyn.runs.run_folder import RunFolder
from tfdyn.tuning.objective import Objective, frontier
from tfdyn.tuning.points import points_of_run


def results(records: Sequence[dict], objectives: Sequence[Objective], unit) -> dict:
    """Returns the result of a search, on the validation images alone.

    Args:
        records: Records of all trials that have ended.
        objectives: Objectives of the search.
        unit: Unit of the frontier's costs, "macs" or "ms".

    Returns:
        A dict: `trials`, the records; `unit`; `frontier`, the points of all trials that
        no cheaper one equals, each with its `trial`; `best`, the trial with the largest
        score, with its `trial`, `score`, `objectives`, `values` and, if an objective
        has a budget, the `point` that it is reached at.

    Raises:
        UserError: If no trial has been finished.
    """
    whole = [record for record in records if record["status"] == "finished"]
    if not whole:
        raise UserError(
            "No trial of this search has been finished: run the same command again, or "
            "with a larger --max_trials."
        )
    points = [
        {"trial": record["trial"], **point}
        for record in whole
        for point in record["points"]
    ]
    best = max(whole, key=lambda record: record["score"])
    names = ("trial", "score", "objectives", "values", "share", "resumed")
    content = {name: best[name] for name in names}
    content["point"] = _point(best["points"], objectives)
    return {
        "unit": unit,
        "best": content,
        "frontier": frontier(points, unit),
        "trials": list(records),
    }


def _point(points, objectives):
    """Returns the point that the first objective with a budget is reached at."""
    for objective in objectives:
        limit = objective.budget * (1 - objective.goal.margin) * (1 + 1e-9)
        within = [point for point in points if point[objective.unit] <= limit]
        if objective.kind == "accuracy" and within:
            unit = objective.unit
            return max(within, key=lambda point: (point["accuracy"], -point[unit]))
    return None


def add_test(content: dict, run_of, cost_table: str | None) -> None:
    """Evaluates the trials of the frontier, and the best one, on the test images.

    Nothing is chosen by these figures. The `evaluation.json` of each run is written,
    unless it has them.

    Args:
        content: What `results` returned.
        run_of: Function of a trial's number that returns its `RunFolder`.
        cost_table: Path of the latency table, if there is one.
    """
    points, best = list(content["frontier"]), content["best"]
    if best["point"]:
        best["point"]["trial"] = best["trial"]
        points.append(best["point"])
    for number in dict.fromkeys([*(point["trial"] for point in points), best["trial"]]):
        of_trial = [point for point in points if point["trial"] == number]
        thresholds = sorted({point["threshold"] for point in of_trial}) or [1.0]
        rows = _evaluated(run_of(number), thresholds, cost_table)
        for point in of_trial:
            _add_row(point, rows[point["threshold"]])


def points_beside(
    run_dir,
    thresholds: Sequence[float],
    objectives: Sequence[Objective],
    table: CostTable | None,
    data_dir: str | None,
) -> dict:
    """Returns the points of a run that is no trial, to be shown beside the frontier.

    Args:
        run_dir: Path of the run's folder. Where its `evaluation.json` has the same T,
            the points get its figures on test images.
        thresholds: Values of T.
        objectives: Objectives of the search, whose budgets add points.
        table: `CostTable` in milliseconds, if there is one.
        data_dir: Path of the data.

    Returns:
        A dict: `run_dir`, and its `points` as `points_of_run` returns them.
    """
    run = RunFolder(run_dir)
    points = points_of_run(run, thresholds, objectives, table, data_dir)
    rows = _rows(run)
    for point in points:
        _add_row(point, rows.get(point["threshold"], {}))
    return {"run_dir": str(run_dir), "points": points}


def _add_row(point, row):
    """Adds the figures of a row of an `evaluation.json` at the same T to a point."""
    if row:
        point["test_accuracy"] = row["accuracy"]
    for unit in ("macs", "ms"):
        if f"{unit}_mean" in row:
            point[f"test_{unit}"] = row[f"{unit}_mean"]


def _rows(run, cost_table=None):
    """Returns the rows of a run's `evaluation.json` by T, or none without the file.

    If a latency table is named, the evaluation must be by that table.
    """
    with contextlib.suppress(UserError, OSError):
        content = reports.read(run / "evaluation.json")
        if cost_table in (None, content.get("cost_table")):
            return {_key(row["threshold"]): row for row in content["routed"]}
    return {}


def _key(threshold):
    """Returns T as a key; a run may have one for each connection."""
    return tuple(threshold) if isinstance(threshold, list) else threshold


def _evaluated(run: RunFolder, thresholds, cost_table):
    """Returns the rows of a run's evaluation by T; evaluates it if they are missing."""
    rows = _rows(run, cost_table)
    if not set(thresholds) <= rows.keys():
        content = evaluate(run.path, thresholds, cost_table=cost_table)
        rows = {_key(row["threshold"]): row for row in content["routed"]}
    return rows
