"""Goal: an exported file whose T keeps a budget or a target rate."""

import dataclasses

from export.graph.form import Form
from export.source import Source
from tfdyn.errors import UserError
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.evaluation.reports import goal_line
from tfdyn.evaluation.thresholds import BUDGET_MS, Goal, choose_thresholds
from tfdyn.runs.tables import load_table


def meet(
    source: Source, form: Form, goal: Goal, limit, cost_table: str | None = None
) -> tuple[Form, dict]:
    """Finds the largest T that meets a goal on the validation images.

    Args:
        source: `Source` of a run.
        form: `Form` whose T is to be found.
        goal: `BUDGET_MS` or `TARGET_RATE`.
        limit: Milliseconds an image, or share of the branches' MACs.
        cost_table: Path of a table in ms, for a budget (default: the run's own).

    Returns:
        The form with that T, and how it was found, for the manifest: a row of
        `choose_thresholds`; for a budget also `cost_table`, the table's path.

    Raises:
        UserError: If the file has no T inside, or no T meets the goal.
    """
    if form.variant != "routed" or form.threshold_input:
        variant = f"--variant={form.variant}"
        other = "--threshold_input" if form.threshold_input else variant
        raise UserError(
            f"--{goal.name} finds the T inside a routed file; {other} has none inside. "
            f"Leave one of the two out."
        )
    dataset, path, table = source.dataset, None, None
    if goal is BUDGET_MS:
        path, table = load_table(source.run, cost_table, needed=True)
    evaluator = Evaluator(source.model, table)
    (row,) = choose_thresholds(goal, [limit], evaluator, dataset)
    row |= {"cost_table": path} if path else {}
    return dataclasses.replace(form, threshold=row["threshold"]), row


def line(row: dict) -> str:
    """Returns in words which T was found, and by which table.

    Args:
        row: What `meet` returned beside the form.
    """
    table = f", by {row['cost_table']}" if "cost_table" in row else ""
    return f"{goal_line(row)}{table}"
