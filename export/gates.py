"""Gates: which to leave out, for they cost more than they save on a device."""

import dataclasses

from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.evaluation.thresholds import count_validation
from tfdyn.runs.tables import load_in_ms


def leave_out(source, form, latency_table):
    """Leaves out the gates that a latency table tells to be of no use.

    How often a branch is chosen is counted on the validation images at the form's T.

    Args:
        source: `export.source.Source` of a run.
        form: `export.graph.Form`, routed.
        latency_table: Path of the table.

    Returns:
        The form with `ungated`, and for the manifest a dict: `latency_table`, and
        `ungated`, mapping the branches without a gate to how often they are chosen.

    Raises:
        ValueError: If there is no such run or table, it is not in ms, or there are no
            validation images.
    """
    table, dataset = load_in_ms(latency_table), source.dataset
    count_validation(dataset)
    result = Evaluator(source.model).on(dataset, "validation", form.threshold)
    shares = useless(source.model, table, result["use"])
    chosen = {"latency_table": str(latency_table), "ungated": shares}
    return dataclasses.replace(form, ungated=tuple(shares)), chosen


def useless(model, table, use):
    """Returns which gates take more than they save.

    A gated branch takes its gate's time in either case, and its own and what the taken
    gate adds where it is chosen; without a gate, always its own.

    Args:
        model: `RoutedModel`.
        table: `CostTable` in ms.
        use: Share of the images that choose a branch, by MixedOp and branch.

    Returns:
        Mapping from the names of the branches (`tfdyn.layers.modules.Module`) that are
        better off without a gate to their shares.
    """
    shares = {}
    for module in model.modules:
        if module.kind != "branch":
            continue
        share, alone = use[module.mixed_op][module.layer.name], table.cost(module)
        gated = share * (alone + table.gate["taken"])
        gated += (1 - share) * table.gate["not_taken"]
        if alone < gated:
            shares[module.name] = share
    return shares


def line(chosen, model):
    """Returns in a line how many gates are left out, and by which table."""
    branches = model.route_spec.size
    return (
        f"{len(chosen['ungated'])} of {branches} branches run without a gate, by "
        f"{chosen['latency_table']}"
    )
