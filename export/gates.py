"""Gates: leaves out the gates that cost more time on a device than they save."""

import dataclasses
import pathlib

from export.graph.form import Form
from export.source import Source
from tfdyn.costs import provenance
from tfdyn.costs.table_precision import check_precision
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.evaluation.thresholds import count_validation
from tfdyn.models.routed_model import RoutedModel
from tfdyn.runs.tables import load_in_ms


def leave_out(
    source: Source,
    form: Form,
    latency_table: str | pathlib.Path,
    precision: str = "float32",
) -> tuple[Form, dict]:
    """Leaves out the gates that cost more time than they save.

    Counts on the validation images, at the form's T, how often each branch runs.

    Args:
        source: `Source` of a trained run.
        form: `Form` of the routed variant.
        latency_table: Path of a latency table, in ms.
        precision: Precision of the file, whose times the table must hold.

    Returns:
        The form with `ungated` set, and a dict for the manifest: `latency_table` (the
        path), `latency_table_origin` (where and when it was measured) and `ungated`,
        which maps the name of each branch without a gate to the share of the images,
        0 to 1, that run it.

    Raises:
        UserError: If the source is not a run or has no validation images, if the file
            is not a table in ms of this precision, or if the form is not of the routed
            variant.
        OSError: If there is no such file.
    """
    table = load_in_ms(latency_table)
    check_precision(table, precision, source.run)
    dataset = source.dataset
    count_validation(dataset)
    result = Evaluator(source.model).on(dataset, "validation", form.threshold)
    shares = useless(source.model, table, result["use"])
    choices = {
        "latency_table": str(latency_table),
        "latency_table_origin": provenance.origin(table),
        "ungated": shares,
    }
    return dataclasses.replace(form, ungated=tuple(shares)), choices


def useless(model: RoutedModel, table, use: dict) -> dict[str, float]:
    """Finds the branches that take less time on average without a gate.

    With a gate, an image that runs the branch takes the time of the branch and of a
    taken gate; any other image takes the time of a gate that is not taken. Without a
    gate, every image takes the time of the branch.

    Args:
        model: `RoutedModel`.
        table: `CostTable` in ms.
        use: Mapping from MixedOp names to mappings from branch names to the share of
            the images, 0 to 1, that run the branch.

    Returns:
        Mapping from the names of these branches (`tfdyn.layers.modules.Module`) to
        their shares.
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


def line(choices: dict, model: RoutedModel) -> str:
    """Returns one line: how many gates are left out, and by which latency table.

    Args:
        choices: The dict that `leave_out` returns.
        model: `RoutedModel`.
    """
    branches = model.route_spec.size
    return (
        f"{len(choices['ungated'])} of {branches} branches run without a gate, by "
        f"{choices['latency_table']}, {choices['latency_table_origin']}"
    )
