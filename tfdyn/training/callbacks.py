"""Callbacks of the training loop: progress, table of metrics, best epoch."""

import csv
import pathlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import TextIO

import keras
from tqdm import tqdm

from tfdyn.files import whole
from tfdyn.text import readable


class Progress(keras.callbacks.Callback):
    """Shows a progress bar during each epoch and writes a line after it.

    Args:
        batch_size: Integer, the number of images in a training step.
        output: Text stream to write to. Default: standard error. The bar is shown only
            if the stream is a terminal.
    """

    def __init__(self, batch_size: int, output: TextIO | None = None):
        super().__init__()
        self.batch_size, self.output = batch_size, output or sys.stderr
        self._times = []

    def on_train_begin(self, logs=None):
        if logs["epoch"]:
            self.output.write(f"resuming after epoch {int(logs['epoch'])}\n")

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.monotonic()
        self._bar = tqdm(
            total=self.params["steps"] * self.batch_size,
            desc=self._title(epoch),
            unit=" images",
            disable=not self.output.isatty(),
            file=self.output,
            dynamic_ncols=True,
            leave=False,
        )

    def on_train_batch_end(self, batch, logs=None):
        if self._bar.update(self.batch_size):
            numbers = {name: float(logs[name]) for name in ("loss", "accuracy")}
            self._bar.set_postfix(
                {name: f"{x:.4f}" for name, x in numbers.items()}, refresh=False
            )
        if batch + 1 == self.params["steps"]:
            self._trained = time.monotonic() - self._start

    def on_epoch_end(self, epoch, logs=None):
        self._bar.close()
        self._times.append(time.monotonic() - self._start)
        images = self.params["steps"] * self.batch_size
        # The median, because the first epoch of a stage is slower: it traces graphs.
        seconds = statistics.median(self._times[-5:])
        seconds_left = seconds * (self.params["epochs"] - epoch - 1)
        words = [
            self._title(epoch),
            *(f"{name} {logs[name]:.4f}" for name in _SHOWN if name in logs),
            f"expected_macs {readable(logs['expected_macs'])}",
        ]
        if "val_macs_mean" in logs:
            words.append(f"val_macs {readable(logs['val_macs_mean'])}")
        if "val_ms_mean" in logs:
            words.append(f"val_ms {logs['val_ms_mean']:.4g}")
        for name in ("temperature", "target_rate", "noise", *_SEARCH_LOGS):
            if name in logs:
                words.append(f"{name} {_short(logs[name])}")
        words.append(f"{images / self._trained:.0f} images/s")
        words.append(f"{tqdm.format_interval(seconds_left)} left")
        self.output.write("  ".join(words) + "\n")
        self.output.flush()

    def _title(self, epoch):
        return f"{self.params['stage']} {epoch + 1}/{self.params['epochs']}"


_SHOWN = ("loss", "accuracy", "val_accuracy")
# Logs of InstaNAS. Both bounds are in the unit of the cost in its reward.
_SEARCH_LOGS = (
    "drop_rate",
    "reward",
    "upper_bound",
    "lower_bound",
    "entropy",
    "modules",
    "same_architecture",
)


def _short(number):
    return readable(number) if number >= 1000 else f"{number:.3g}"


class MetricsTable(keras.callbacks.Callback):
    """Writes the logs of all epochs to a CSV file.

    After each epoch the whole file is written again. A run that is resumed keeps the
    rows up to the epoch of its checkpoint and drops later ones.

    Args:
        path: Path of the file.
    """

    def __init__(self, path: str | pathlib.Path):
        super().__init__()
        self.path, self.rows = pathlib.Path(path), []

    def on_train_begin(self, logs=None):
        if self.path.exists():
            with self.path.open(newline="") as file:
                rows = list(csv.DictReader(file))
            self.rows = [row for row in rows if int(row["epoch"]) <= logs["epoch"]]

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"epoch": epoch + 1, "stage": self.params["stage"], **logs})
        with whole(self.path) as temporary, temporary.open("w", newline="") as file:
            # Stages differ in their metrics.
            names = dict.fromkeys(name for row in self.rows for name in row)
            writer = csv.DictWriter(file, fieldnames=list(names))
            writer.writeheader()
            writer.writerows(self.rows)


class BestEpoch(keras.callbacks.Callback):
    """Saves the model whenever an epoch is the best of its stage so far.

    Args:
        table: `MetricsTable` with the earlier epochs. It must come before this callback
            in the list of callbacks.
        save: Function without arguments that saves the model.
        metric: String, the name of the log to compare. The largest value is the best.
    """

    def __init__(
        self,
        table: MetricsTable,
        save: Callable[[], None],
        metric: str = "val_accuracy",
    ):
        super().__init__()
        self.table, self.save, self.metric = table, save, metric

    def on_epoch_end(self, epoch, logs=None):
        stage = self.params["stage"]
        earlier = [row for row in self.table.rows[:-1] if row["stage"] == stage]
        best = max((float(row[self.metric]) for row in earlier), default=-1.0)
        if logs[self.metric] > best:
            self.save()
