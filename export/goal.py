"""Goal: chooses the T of an exported file for a budget or a target rate."""

import dataclasses

from export.graph.form import Form
from export.source import Source
from tfdyn.costs import provenance
from tfdyn.costs.table_precision import check_precision
from tfdyn.errors import UserError
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.evaluation.reports import goal_line
from tfdyn.evaluation.thresholds import BUDGET_MS, Goal, choose_thresholds
from tfdyn.runs.tables import load_table


def meet(
    source: Source,
    form: Form,
    goal: Goal,
    limit,
    cost_table: str | None = None,
    precision: str = "float32",
) -> tuple[Form, dict]:
    """Finds the largest T that meets a goal on the validation images.

    Args:
        source: `Source` of a run.
        form: `Form` whose T is to be found.
        goal: `BUDGET_MS` or `TARGET_RATE`.
        limit: Mean ms an image, or the share of the branches' MACs that runs, 0 to 1.
        cost_table: Path of a table in ms, for a budget (default: the run's own).
        precision: Precision of the file, whose times the table must hold.

    Returns:
        The form with that T, and a dict for the manifest that says how T was found:
        a row of `choose_thresholds`; for a budget also `cost_table`, the table's path,
        and `cost_table_origin`, where and when it was measured.

    Raises:
        UserError: If the form stores no T in the file, if no T meets the goal, if the
            run has no validation images, or if a budget has no table in ms of
            this precision.
        OSError: If there is no such table.
    """
    if form.variant != "routed" or form.threshold_input:
        variant = f"--variant={form.variant}"
        other = "--threshold_input" if form.threshold_input else variant
        raise UserError(
            f"--{goal.name} chooses the T that a routed file stores, and with {other} "
            f"the file stores none. Leave one of the two out."
        )
    dataset, path, table = source.dataset, None, None
    if goal is BUDGET_MS:
        path, table = load_table(source.run, cost_table, True, precision)
        check_precision(table, precision, source.run)
    evaluator = Evaluator(source.model, table)
    (row,) = choose_thresholds(goal, [limit], evaluator, dataset)
    if table:
        row |= {"cost_table": path, "cost_table_origin": provenance.origin(table)}
    return dataclasses.replace(form, threshold=row["threshold"]), row


def line(row: dict) -> str:
    """Returns one line: which T was found, and by which table.

    Args:
        row: The dict that `meet` returns.
    """
    if "cost_table" not in row:
        return goal_line(row)
    return f"{goal_line(row)}, by {row['cost_table']}, {row['cost_table_origin']}"
