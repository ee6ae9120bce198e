"""The `evaluation.json` of a run, with all that a report shows of it."""

from tfdyn.errors import UserError
from tfdyn.evaluation import reports
from tfdyn.reading import is_there
from tfdyn.reporting.costs_by_threshold import costs_by_threshold
from tfdyn.routing.threshold import check_threshold
from tfdyn.runs.run_folder import RunFolder

WEIGHTS = ("model.keras", "best.keras")


def read_evaluation(run: RunFolder) -> dict | None:
    """Reads the `evaluation.json` of a run; `None` if there is none.

    Args:
        run: `RunFolder`.

    Raises:
        UserError: If the file does not hold an evaluation.
    """
    path = run / "evaluation.json"
    if not is_there(path):
        return None
    content = reports.read(path)
    try:
        content["use"]["threshold"] = check_threshold(content["use"]["threshold"])
        if content["weights"] not in WEIGHTS:
            raise UserError(f"its weights are {content['weights']!r}")
        reports.table_rows(content)
        costs_by_threshold(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path} is not an evaluation of {' or '.join(WEIGHTS)} "
            f"({type(error).__name__}: {error}). Make it again with "
            f"`python -m tfdyn.evaluate --run_dir={run}`."
        ) from error
    return content
