"""SearchFolder: the files of a search."""

import dataclasses
import json
import os
import pathlib
import shutil

from tfdyn.errors import UserError
from tfdyn.files import check_writable, whole_folder, write_json, write_text
from tfdyn.locks import NAME as LOCK
from tfdyn.reading import read_json
from tfdyn.runs.run_folder import RunFolder
from tfdyn.settings.flagfiles import to_flagfile
from tfdyn.temporary import LIST, PREFIX, READY, check_replaceable

MEND = "Restore it, or choose another --search_dir."
# What a run resumes from, and its curves: `best/` is whole without them.
NOT_OF_BEST = ("checkpoints", "tensorboard", LOCK, LIST, f"{PREFIX}*", f"{READY}*")


class SearchFolder:
    """Reads and writes the files of a search.

    A search folder holds:

    - `search.json`: what the search is of; a search of anything else is refused.
    - `keras_tuner/oracle.json`: the state of keras-tuner, written whole.
    - `trials/0000/`, `trials/0001/`, …: a run folder each; beside each, `0000.json`
      (its settings, its points, its objective) and `0000.log` (what it printed).
    - `results.json`, `frontier.png`: the result.
    - `best/`: a copy of the best trial's run folder, at the T that is the best;
      `best.flags` repeats it.

    Args:
        path: Path of the folder.
    """

    def __init__(self, path: str | pathlib.Path):
        self.path = pathlib.Path(path)

    def __str__(self):
        return str(self.path)

    def __truediv__(self, name):
        return self.path / name

    def run(self, number: int) -> RunFolder:
        """Returns the `RunFolder` of a trial, by its number from 0."""
        return RunFolder(self / f"trials/{number:04d}")

    def start(self, content: dict) -> None:
        """Makes the folder, or checks that it holds the same search.

        Args:
            content: What the search is of, ready for JSON.

        Raises:
            UserError: If the folder holds another search or other files.
            OSError: If it cannot be written to.
        """
        path, content = self / "search.json", json.loads(json.dumps(content))
        if not path.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            if any(name not in (LOCK, "trials") for name in _names(self.path)):
                raise UserError(
                    f"{self} is not empty and not a search folder (it has no "
                    f"search.json). Choose another --search_dir."
                )
            check_writable(self / "trials")
            write_json(path, content)
        check_replaceable(self / "best")
        there = read_json(path, "the description of a search", MEND)
        for name, value in content.items():
            if there.get(name) != value:
                raise UserError(
                    f"{self} holds a search of another --{name}: "
                    f"{_difference(there.get(name), value)}. Choose another "
                    f"--search_dir, or delete the folder."
                )

    def write_record(self, record: dict) -> None:
        """Writes what a trial has led to.

        Args:
            record: Dict with `trial`, its number; `status`; and further entries.
        """
        write_json(self._record(record["trial"]), record)

    def record(self, number: int) -> dict | None:
        """Returns what `write_record` wrote for a trial; `None` if it has not ended.

        Raises:
            UserError: If the file is broken.
        """
        path = self._record(number)
        return read_json(path, "the record of a trial", MEND) if path.exists() else None

    def records(self) -> list[dict]:
        """Returns the records of all trials that have ended, by their numbers."""
        paths = sorted((self / "trials").glob("*.json"))
        return [self.record(int(path.stem)) for path in paths if path.stem.isdecimal()]

    def write_best(
        self, number: int, comments: list[str], threshold: float | None = None
    ) -> None:
        """Copies a trial to `best/` and its flagfile to `best.flags`.

        Args:
            number: Number of the trial.
            comments: Lines for the head of the flagfile.
            threshold: T of the copy and the flagfile (default: that of the trial).
        """
        run = self.run(number)
        with whole_folder(self / "best") as folder:
            ignore = shutil.ignore_patterns(*NOT_OF_BEST)
            shutil.copytree(run.path, folder, ignore=ignore)
            if threshold is not None:
                _set_threshold(RunFolder(folder), threshold)
        lines = [f"# {comment}" for comment in comments]
        flags = (self / "best/flags.txt").read_text(encoding="utf-8")
        write_text(self / "best.flags", "\n".join([*lines, "", flags]))

    def _record(self, number):
        return self / f"trials/{number:04d}.json"


def _set_threshold(run, threshold):
    """Changes T in a run's settings and models."""
    settings = dataclasses.replace(run.settings(), threshold=threshold)
    write_text(run / "flags.txt", to_flagfile(settings))
    for name in ("model.keras", "best.keras"):
        if (run / name).exists():
            model = run.load_model(name)
            model.threshold = threshold
            run.save_model(model, name)


def _names(path):
    return [name for name in os.listdir(path) if not name.startswith((PREFIX, READY))]


def _difference(there, here):
    """Returns the first lines in which two values differ, as text."""
    there, here = (
        str(value).splitlines() if isinstance(value, str) else [str(value)]
        for value in (there, here)
    )
    only = [
        [line for line in a if line not in b] for a, b in ((there, here), (here, there))
    ]
    there, here = (", ".join(lines) or "nothing" for lines in only)
    return f"{there} there, {here} here"
