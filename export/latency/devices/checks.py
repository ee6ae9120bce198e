"""Checks of what is asked of a session: which file, how many runs."""

from tfdyn.errors import UserError


def check_run(name: str, files: dict, runs: int) -> None:
    """Checks the arguments of a session's function `measure`.

    Args:
        name: Name of the file to time.
        files: Mapping whose keys are the names of the session's files.
        runs: Number of runs.

    Raises:
        UserError: If there is no file of that name, or `runs` is below 1.
    """
    if name not in files:
        raise UserError(
            f"The files are {', '.join(files)}; got {name}. Name one of them."
        )
    if runs < 1:
        raise UserError(f"runs must be 1 or more; got {runs}.")
