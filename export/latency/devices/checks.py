"""Checks of what is asked of a device: how many threads, which file, how many runs."""

from tfdyn.errors import UserError

# More threads than any CPU has cores.
MOST_THREADS = 1024


def check_threads(num_threads: int, most: int = MOST_THREADS) -> None:
    """Checks a number of CPU threads.

    Args:
        num_threads: The number.
        most: Largest number allowed, such as the number of cores.

    Raises:
        UserError: If it is below 1 or above `most`.
    """
    if not 1 <= num_threads <= most:
        limit = "" if most == MOST_THREADS else ", the cores of this machine"
        raise UserError(
            f"num_threads must be from 1 to {most}{limit}; got {num_threads}."
        )


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
