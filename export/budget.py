"""Budget: an export whose T meets a mean of so many predicted milliseconds."""

import dataclasses

from tfdyn.errors import UserError


def meet(source, form, budget_ms, cost_table=None):
    """Chooses T for a budget.

    Args:
        source: `export.source.Source` of a run.
        form: `export.graph.Form` whose T is to be chosen.
        budget_ms: Milliseconds an image, on average over the validation images.
        cost_table: Path of a table in ms; default: the run's own.

    Returns:
        The form with that T, and how it was chosen, for the manifest: what
        `tfdyn.evaluation.budget.threshold_for` returns.

    Raises:
        ValueError: If there is no T to choose, or none for the budget.
    """
    from tfdyn.evaluation.budget import threshold_for

    if form.variant != "routed" or form.threshold_input:
        variant = f"--variant={form.variant}"
        other = "--threshold_input" if form.threshold_input else variant
        raise UserError(
            f"--budget_ms chooses the T that is inside a routed file; {other} has "
            f"none inside. Leave one of the two out."
        )
    dataset = source.dataset
    choice = threshold_for(source.run, source.model, dataset, budget_ms, cost_table)
    return dataclasses.replace(form, threshold=choice["threshold"]), choice


def line(choice):
    """Returns in a line which T was chosen, and by which table."""
    from tfdyn.evaluation.reports import budget_line

    return f"{budget_line(choice)}, by {choice['cost_table']}"
