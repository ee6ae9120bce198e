"""Callbacks of the training loop: progress, table of metrics, best epoch."""

import csv
import pathlib
import statistics
import sys
import time

import keras
from tqdm import tqdm

from tfdyn.files import whole
from tfdyn.text import readable


class Progress(keras.callbacks.Callback):
    """A bar for each epoch, with images a second, and a line after it.

    Args:
        batch_size: Examples a step.
        output: Where to write; the bar appears on terminals only.
    """

    def __init__(self, batch_size, output=None):
        super().__init__()
        self.batch_size, self.output = batch_size, output or sys.stderr
        self._times = []

    def on_train_begin(self, logs=None):
        if logs["epoch"]:
            self.output.write(f"going on after epoch {int(logs['epoch'])}\n")

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
        # The median: the first epoch of a stage traces, and takes longer.
        usual = statistics.median(self._times[-5:])
        left = usual * (self.params["epochs"] - epoch - 1)
        words = [
            self._title(epoch),
            *(f"{name} {logs[name]:.4f}" for name in _SHOWN if name in logs),
            f"expected_macs {readable(logs['expected_macs'])}",
        ]
        if "val_macs_mean" in logs:
            words.append(f"val_macs {readable(logs['val_macs_mean'])}")
        if "val_ms_mean" in logs:
            words.append(f"val_ms {logs['val_ms_mean']:.4g}")
        for name in ("temperature", "target_rate", "noise", *_OF_SEARCH):
            if name in logs:
                words.append(f"{name} {_short(logs[name])}")
        words.append(f"{images / self._trained:.0f} images/s")
        words.append(f"{tqdm.format_interval(left)} left")
        self.output.write("  ".join(words) + "\n")
        self.output.flush()

    def _title(self, epoch):
        return f"{self.params['stage']} {epoch + 1}/{self.params['epochs']}"


_SHOWN = ("loss", "accuracy", "val_accuracy")
# Of InstaNAS; the bounds are in its cost's unit.
_OF_SEARCH = (
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
    """Keeps the logs of all epochs in a CSV file, of a resumed run too.

    The file is written anew after each epoch, whole or not at all; rows beyond the
    checkpoint that a run goes on from are dropped.

    Args:
        path: The file.
    """

    def __init__(self, path):
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
            # Not all stages have the same metrics.
            names = dict.fromkeys(name for row in self.rows for name in row)
            writer = csv.DictWriter(file, fieldnames=list(names))
            writer.writeheader()
            writer.writerows(self.rows)


class BestEpoch(keras.callbacks.Callback):
    """Saves the model whenever an epoch is the best of its stage so far.

    Args:
        table: `MetricsTable` that stands before it among the callbacks.
        save: Function of nothing that saves the model.
        metric: Name of the log to compare; larger is better.
    """

    def __init__(self, table, save, metric="val_accuracy"):
        super().__init__()
        self.table, self.save, self.metric = table, save, metric

    def on_epoch_end(self, epoch, logs=None):
        stage = self.params["stage"]
        earlier = [row for row in self.table.rows[:-1] if row["stage"] == stage]
        best = max((float(row[self.metric]) for row in earlier), default=-1.0)
        if logs[self.metric] > best:
            self.save()
