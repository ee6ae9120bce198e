"""Partial: keeps the rounds of a measurement until its result is written."""

import contextlib
import json
import pathlib
import re
import shutil

from absl import logging

from tfdyn.costs.cost_table import is_number
from tfdyn.errors import UserError
from tfdyn.files import write_json, write_text
from tfdyn.locks import NAME as LOCK
from tfdyn.locks import locked
from tfdyn.reading import read_json
from tfdyn.temporary import PREFIX

IDENTITY, TIMES = "of.json", "times.json"
# All that such a folder may hold, beside leftovers of killed commands.
NAMES = re.compile(r"of\.json|times\.json|[a-z0-9_]+\.tflite")
# A longer time is none: 11 days, in ms.
LONGEST_MS = 1e9


class Partial:
    """A folder that keeps what was measured, so that the command can be resumed.

    ```python
    with Partial(folder, identity) as partial:
        times = rounds.alternate(measure, names, (8, 40), partial.times, partial.save)
    ```

    After an exception the folder stays, and the exception's note names it. Otherwise
    the folder is removed. Until the end of the context no other command may use it.

    Args:
        folder: Path of the folder.
        identity: A dict ready for JSON that describes the measurement. A folder of
            another measurement is emptied.

    Attributes:
        folder: Path of the folder; files that the measurement needs may be put there.
        times: Mapping from names to the times, in ms, of the rounds so far, or empty.

    Raises:
        UserError: On entering the context, if the path is a file, a link or a folder
            that this class did not make, or if another command uses it.
    """

    def __init__(self, folder: pathlib.Path, identity: dict):
        self.folder, self.times = folder, {}
        self._identity = json.dumps(identity, indent=1, default=str)
        self._stack = contextlib.ExitStack()

    def save(self, times: dict) -> None:
        """Keeps the times of all rounds so far."""
        write_json(self.folder / TIMES, times)

    def __enter__(self):
        check_partial(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(locked(self.folder))
        try:
            file = self.folder / IDENTITY
            if not file.exists() or file.read_text("utf-8") != self._identity:
                _empty(self.folder)
                write_text(file, self._identity)
            self.times = _read_times(self.folder / TIMES)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            _empty(self.folder)
        self._stack.close()
        if error is None:
            with contextlib.suppress(OSError):  # Someone has put a file there.
                self.folder.rmdir()
            return
        what = "Whole rounds" if (self.folder / TIMES).exists() else "Files to time"
        error.add_note(
            f"{what} are kept in {self.folder}: the same command resumes there. To "
            f"start anew, remove that folder first."
        )


def check_partial(folder: pathlib.Path) -> None:
    """Checks that a folder was made by `Partial`, is empty, or does not exist.

    Args:
        folder: Path of the folder.

    Raises:
        UserError: If it is something else, which must not be emptied.
    """
    advice = "move it away, or name another file with --output."
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        kind = "a link" if folder.is_symlink() else "a file"
        raise UserError(
            f"{folder} is {kind}, and the rounds of the measurement are kept in a "
            f"folder of that name: {advice}"
        )
    paths = [path for path in folder.glob("*") if not _left_over(path)]
    for path in paths:
        if not NAMES.fullmatch(path.name) or path.is_symlink() or not path.is_file():
            raise UserError(
                f"{folder} holds {path.name!r}, which this command did not write, and "
                f"would be emptied: {advice}"
            )
    if not paths:
        return
    try:
        identity = read_json(folder / IDENTITY, "the description of a measurement", "")
    except (UserError, OSError):
        identity = {}
    if not {"source", "device", "runs"} <= identity.keys():
        raise UserError(
            f"{folder} has no {IDENTITY} of this command, which therefore did not make "
            f"it: {advice}"
        )


def remove_done(folder: pathlib.Path, result: pathlib.Path) -> None:
    """Removes a folder whose command was killed after it had written its result.

    Args:
        folder: Path of the folder. It need not exist.
        result: File that the measurement wrote. If it is older than the last round, the
            folder is of a later measurement, and stays.

    Raises:
        UserError: If the folder was not made by `Partial`, or another command uses it.
    """
    check_partial(folder)
    if not folder.exists():
        return
    with locked(folder):
        times = folder / TIMES
        if times.exists() and times.stat().st_mtime > result.stat().st_mtime:
            return
        _empty(folder)
    with contextlib.suppress(OSError):  # Someone has put a file there.
        folder.rmdir()


def _left_over(path):
    """Returns whether a path is a lock, or what a killed command left behind."""
    if path.name == LOCK:
        return path.is_file() and not path.is_symlink()
    return path.name.startswith(PREFIX) and path.is_dir() and not path.is_symlink()


def _empty(folder):
    """Removes what this class and the probes wrote into a folder, and nothing else."""
    for path in folder.glob("*"):
        if path.name.startswith(PREFIX) and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif NAMES.fullmatch(path.name) and path.name != IDENTITY:
            path.unlink()
    # At last: without it, the rest would not be recognised after a kill.
    (folder / IDENTITY).unlink(missing_ok=True)


def _read_times(path):
    """Returns the times that `save` wrote, or without a usable file no times."""
    if not path.exists():
        return {}
    try:
        times = read_json(path, "a file of rounds", "")
        for name, values in times.items():
            if not isinstance(values, list):
                raise UserError(f"the times of {name!r} are no list")
            for value in values:
                if not is_number(value, LONGEST_MS) or value <= 0:
                    raise UserError(f"a time of {name!r} is not above 0")
    except (UserError, OSError) as error:
        logging.warning(
            "warning: %s cannot be used (%s). All rounds are measured again.",
            *(path, str(error).strip()),
        )
        return {}
    return times
