"""Callbacks of the training loop: progress, and logs for TensorBoard."""

import statistics
import sys
import time
from typing import TextIO

import keras
from tqdm import tqdm

from tfdyn.text import readable
from tfdyn.training.writing import writing


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
        for name in (
            "temperature",
            "target_rate",
            "noise",
            "dependence",
            *_SEARCH_LOGS,
        ):
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


class EventLog(keras.callbacks.TensorBoard):
    """Writes the logs of each epoch for TensorBoard.

    Args:
        folder: Path of the folder of TensorBoard's files.

    Raises:
        OSError: If the files cannot be written.
    """

    def __init__(self, folder):
        super().__init__(str(folder), write_graph=False)
        self.folder = folder

    def on_train_begin(self, logs=None):
        with writing(self.folder):
            super().on_train_begin(logs)

    def on_epoch_end(self, epoch, logs=None):
        with writing(self.folder):
            super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs=None):
        with writing(self.folder):
            super().on_train_end(logs)
