"""Table precision: of which precision the files were whose times a table holds."""

from tfdyn.errors import UserError

# That of tables that name none.
DEFAULT = "float32"


def precision_of(table) -> str:
    """Returns the precision of the files that were timed, such as "int8".

    Args:
        table: `CostTable`.
    """
    return str(table.provenance.get("precision", DEFAULT))[:20]


def check_precision(table, precision: str, run) -> None:
    """Refuses a table in ms for files of another precision than those it was made of.

    Args:
        table: `CostTable` in ms.
        precision: Precision of the files whose time is predicted.
        run: Path of the run folder, to name the command that makes the right table.

    Raises:
        UserError: If the precisions differ.
    """
    there = precision_of(table)
    if there != precision:
        flag = "" if precision == DEFAULT else f" --precision={precision}"
        raise UserError(
            f"{table.name} holds times of {there}, which say nothing about "
            f"{precision}. Make the right table with `python -m export.latency "
            f"--run_dir={run}{flag}` and name it, or export with --precision={there}."
        )
