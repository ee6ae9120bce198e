"""Cost tables of a run: which of them predicts its milliseconds."""

import pathlib

from tfdyn.costs import provenance
from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.table_precision import DEFAULT, precision_of
from tfdyn.errors import UserError
from tfdyn.runs.run_folder import RunFolder


def load_table(
    run: RunFolder, cost_table=None, needed: bool = False, precision: str = DEFAULT
) -> tuple[str | None, CostTable | None]:
    """Finds the cost table of a run and reads it.

    Warns if it was measured on another machine (`tfdyn.costs.provenance.warn`).

    Args:
        run: `RunFolder`.
        cost_table: Path of a table. Default: the latency table in the run folder whose
            times are of `precision`; if there is none there, the table in ms that the
            run was trained with.
        needed: Whether a table in ms must be found.
        precision: Precision of the files whose times are looked for, such as "int8".

    Returns:
        The table's path and the `CostTable`. If none is needed, and the run has none
            or several: `None` twice.

    Raises:
        UserError: If the file is not a cost table; or if a table is needed and there
            is none, there are several, or it is not in ms.
    """
    paths = [cost_table] if cost_table else _own(run, precision) or _trained_with(run)
    if len(paths) == 1:
        return str(paths[0]), load_in_ms(paths[0]) if needed else _load(paths[0])
    if needed and paths:
        raise UserError(
            f"{run} has several latency tables: {', '.join(map(str, paths))}. Name one "
            f"with --cost_table."
        )
    if needed:
        of, flag = "", ""
        if precision != DEFAULT:
            of, flag = f" of {precision}", f" --precision={precision}"
        raise UserError(
            f"{run} has no latency table{of} to predict milliseconds from. Make one "
            f"with `python -m export.latency --run_dir={run}{flag}`, or name one with "
            f"--cost_table."
        )
    return None, None


def load_in_ms(path) -> CostTable:
    """Reads a cost table that must be in milliseconds.

    Warns if it was measured on another machine (`tfdyn.costs.provenance.warn`).

    Args:
        path: File of the table.

    Raises:
        UserError: If the file is not a cost table, or is not in ms.
    """
    table = _load(path)
    if table.unit != "ms":
        raise UserError(
            f"{path} is in {table.unit}: a table in ms is needed, as `python -m "
            f"export.latency` makes it."
        )
    return table


def _load(path):
    table = CostTable.load(path)
    provenance.warn(table)
    return table


def _own(run, precision):
    """Returns the latency tables in the run folder whose times are of a precision."""
    return [path for path in run.latency_tables() if _precision(path) == precision]


def _precision(path):
    try:
        return precision_of(CostTable.load(path))
    except (UserError, OSError):
        return DEFAULT  # It is refused when it is read.


def _trained_with(run):
    path = run.settings().cost_table
    in_ms = path and pathlib.Path(path).exists() and CostTable.load(path).unit == "ms"
    return [path] if in_ms else []
