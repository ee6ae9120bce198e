"""Partial: keeps the rounds of a measurement until its result is written."""

import json
import pathlib
import shutil

from tfdyn.files import write_json, write_text


class Partial:
    """A folder that keeps what was measured, so that the command can be resumed.

    ```python
    with Partial(folder, identity) as partial:
        times = rounds.alternate(measure, names, (8, 40), partial.times, partial.save)
    ```

    After an exception the folder stays, and the exception's note names it. Otherwise
    the folder is removed.

    Args:
        folder: Path of the folder.
        identity: A dict ready for JSON that describes the measurement. A folder of
            another measurement is emptied.

    Attributes:
        folder: Path of the folder; files that the measurement needs may be put there.
        times: Mapping from names to the times of the rounds so far, or empty.
    """

    def __init__(self, folder: pathlib.Path, identity: dict):
        self.folder = folder
        text, file = json.dumps(identity, indent=1, default=str), folder / "of.json"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write_text(file, text)
        file = folder / "times.json"
        self.times = json.loads(file.read_text("utf-8")) if file.exists() else {}

    def save(self, times: dict) -> None:
        """Keeps the times of all rounds so far."""
        write_json(self.folder / "times.json", times)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            shutil.rmtree(self.folder)
            return
        error.add_note(
            f"Whole rounds are kept in {self.folder}: the same command resumes there."
        )
