"""MetricsTable: the logs of all epochs as `metrics.csv`, and the best of them."""

import csv
import io
import math
import pathlib
import re
import sys
from collections.abc import Callable
from typing import TextIO

import keras

from tfdyn.errors import UserError
from tfdyn.files import whole
from tfdyn.reading import is_there, read_text

MEND = "Delete it to resume without the rows of earlier epochs."


class MetricsTable(keras.callbacks.Callback):
    """Writes the logs of all epochs to a CSV file.

    After each epoch the whole file is written again. A run that is resumed keeps the
    rows up to the epoch of its checkpoint and drops later ones.

    Args:
        path: Path of the file.
        output: Text stream for messages. Default: standard error.

    Attributes:
        rows: List of dicts, the logs of the epochs so far.
        dropped: List of dicts, logs of later epochs that were in the file.
    """

    def __init__(self, path: str | pathlib.Path, output: TextIO | None = None):
        super().__init__()
        self.path, self.output = pathlib.Path(path), output or sys.stderr
        self.rows, self.dropped = [], []

    def on_train_begin(self, logs=None):
        """Reads the rows of the epochs before the checkpoint.

        Raises:
            UserError: If the file is no table of metrics, or it has rows of several
                epochs and there is no checkpoint.
        """
        start, rows = int(logs["epoch"]), []
        if is_there(self.path):
            rows = read_rows(self.path)
        self.rows = [row for row in rows if int(row["epoch"]) <= start]
        self.dropped = [row for row in rows if int(row["epoch"]) > start]
        last = max((int(row["epoch"]) for row in rows), default=0)
        if last > 1 and not start:
            raise UserError(
                f"{self.path} has rows up to epoch {last}, but there is no checkpoint "
                f"beside it. Put checkpoints/ back, or delete the run's folder to "
                f"train from the beginning."
            )
        missing = self.missing(1, start)
        if missing:
            self.output.write(
                f"{self.path} lacks {len(missing)} of the {start} epochs before the "
                f"checkpoint; they stay missing\n"
            )
        if last > start + 1:
            self.output.write(
                f"{self.path} has rows up to epoch {last}, beyond the checkpoint: "
                f"training repeats these epochs\n"
            )

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"epoch": epoch + 1, "stage": self.params["stage"], **logs})
        with whole(self.path) as temporary, temporary.open("w", newline="") as file:
            # Stages differ in their metrics.
            names = dict.fromkeys(name for row in self.rows for name in row)
            writer = csv.DictWriter(file, fieldnames=list(names))
            writer.writeheader()
            writer.writerows(self.rows)

    def missing(self, first: int, last: int) -> list[int]:
        """Returns the epochs from `first` to `last`, counted from 1, without a row."""
        epochs = {int(row["epoch"]) for row in self.rows}
        return [epoch for epoch in range(first, last + 1) if epoch not in epochs]


def read_rows(path) -> list[dict[str, str]]:
    """Reads the rows of a `metrics.csv`. Lines that are cut off are left out.

    Args:
        path: Path of the file.

    Raises:
        UserError: If the file is no table of metrics.
    """
    text = read_text(path, "a table of metrics", MEND)
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise UserError(f"{path} is not a table of metrics: {error}. {MEND}") from error
    if text and not text.endswith("\n"):
        rows = rows[:-1]
    whole_rows = [row for row in rows if None not in row and None not in row.values()]
    for row in whole_rows:
        epoch = row.get("epoch", "")
        if not re.fullmatch("[0-9]{1,9}", epoch) or "stage" not in row:
            raise UserError(
                f"{path} is not a table of metrics: it lacks a column `stage`, or has "
                f"the epoch {epoch[:20]!r}, not a whole number. {MEND}"
            )
    return whole_rows


class BestEpoch(keras.callbacks.Callback):
    """Saves the model whenever an epoch is the best of its stage so far.

    It comes before its `MetricsTable` in the list of callbacks: then an epoch in the
    table has been saved if it was the best, also if the training was killed between.

    Args:
        table: `MetricsTable` with the earlier epochs.
        save: Function without arguments that saves the model.
        path: Path of the saved model. If rows of the stage are missing, a model that is
            there may be better than all that follow, and is kept.
        metric: String, the name of the log to compare. The largest value is the best.
        output: Text stream for messages. Default: standard error.
    """

    def __init__(
        self,
        table: MetricsTable,
        save: Callable[[], None],
        path: str | pathlib.Path,
        metric: str = "val_accuracy",
        output: TextIO | None = None,
    ):
        super().__init__()
        self.table, self.save, self.metric = table, save, metric
        self.path, self.output = pathlib.Path(path), output or sys.stderr
        self._kept = False

    def on_epoch_end(self, epoch, logs=None):
        stage, first = self.params["stage"], self.params["stage_start"] + 1
        rows = [row for row in self.table.rows if row["stage"] == stage]
        values = [_number(row.get(self.metric)) for row in rows]
        unknown = self.table.missing(first, epoch) or None in values
        if unknown and self.path.exists():
            if not self._kept:
                self._kept = True
                self.output.write(
                    f"{self.path} is kept as it is to the end of this stage: the "
                    f"{self.metric} of earlier epochs is not known\n"
                )
            return
        if self.path.exists():
            dropped = [row for row in self.table.dropped if row["stage"] == stage]
            values += [_number(row.get(self.metric)) for row in dropped]
        numbers = [value for value in values if value is not None]
        if logs[self.metric] > max(numbers, default=-math.inf):
            self.save()


def _number(text):
    """Returns the finite number in a text, or `None`."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
