"""Rungs of hyperband: trainings of a part of the epochs, the next resuming the last."""

import csv
import dataclasses
import io
import itertools
import math
import shutil

import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.files import whole, write_text
from tfdyn.runs.run_folder import RunFolder
from tfdyn.settings.flagfiles import to_flagfile
from tfdyn.training.metrics_table import read_rows

EPOCHS = ("pretrain_epochs", "joint_epochs", "finetune_epochs")
# InstaNAS's search has turns of two epochs, and keeps five operating points.
LEAST = {"pretrain_epochs": 1, "joint_epochs": 10, "finetune_epochs": 1}
FACTOR = 3
WEIGHT = "weights/{}/.ATTRIBUTES/VARIABLE_VALUE"


def scaled(settings: Settings, share: float) -> Settings:
    """Returns the settings of a training of a part of the epochs.

    Each stage keeps its share of the epochs, and its schedules reach their end at the
    end of the stage. So do those that count epochs: the steps and the decay of the
    learning rate, and the decay of DRNet's temperature.

    Args:
        settings: `Settings` of the whole training.
        share: Share of its epochs, above 0 and at most 1.
    """
    if share == 1:
        return settings
    changes = {}
    for name in EPOCHS:
        epochs = getattr(settings, name)
        fewer = round(share * epochs)
        if name == "joint_epochs":
            fewer = 2 * round(share * epochs / 2)
        changes[name] = min(epochs, max(LEAST[name], fewer))
    steps = [max(1, round(share * step)) for step in settings.learning_rate_steps]
    steps = tuple(dict.fromkeys(steps))
    changes["learning_rate_steps"] = steps
    if settings.learning_rate_schedule == "exponential":
        changes["learning_rate_decay"] = settings.learning_rate_decay ** (1 / share)
    if settings.temperature_decay is not None:
        changes["temperature_decay"] = settings.temperature_decay / share
    return dataclasses.replace(settings, **changes)


def resources(settings: Settings, max_trials: int) -> int:
    """Returns how many times the smallest rung the whole training is, for hyperband.

    It is the largest power of 3 for which one iteration of hyperband has at most
    `max_trials` trials, and the smallest rung an epoch in each stage.

    Args:
        settings: `Settings` of the whole training.
        max_trials: Largest number of trials.

    Raises:
        UserError: If not even two rungs are possible.
    """
    least = sum(min(getattr(settings, name), LEAST[name]) for name in EPOCHS)
    total = sum(getattr(settings, name) for name in EPOCHS)
    sizes = {FACTOR**power: trials(power) for power in range(1, 20)}
    possible = [
        size
        for size, number in sizes.items()
        if number <= max_trials and size * least <= total
    ]
    if not possible:
        raise UserError(
            f"--tuner=hyperband needs --max_trials={sizes[FACTOR]} at least, and "
            f"{FACTOR * least} epochs; got --max_trials={max_trials} and {total} "
            f"epochs."
        )
    return possible[-1]


def trials(power: int) -> int:
    """Returns the number of trials of an iteration of hyperband.

    Args:
        power: Number of times that the epochs of the largest rung can be divided by 3.
    """
    return sum(
        math.ceil(math.ceil(1 + power) / (bracket + 1) * FACTOR ** (bracket - rung))
        for bracket in range(power + 1)
        for rung in range(bracket + 1)
    )


def carry(previous: RunFolder, run: RunFolder, settings: Settings) -> None:
    """Makes the run folder of a rung, which resumes the checkpoint of the rung before.

    The epochs of the rung before count as the first of this one. Its weights are the
    checkpoint, without the state of its optimizers: the learning rate goes on from
    where the longer schedule is after these epochs. A run folder that exists is kept.

    Args:
        previous: `RunFolder` of the rung before, finished.
        run: `RunFolder` to make.
        settings: `Settings` of the rung.

    Raises:
        OSError: If the files cannot be read or written.
    """
    if run.path.exists():
        return
    epochs = sum(getattr(previous.settings(), name) for name in EPOCHS)
    run.path.parent.mkdir(parents=True, exist_ok=True)
    with whole(run.path) as folder:
        (folder / "checkpoints").mkdir(parents=True)
        write_text(folder / "flags.txt", to_flagfile(settings))
        for name in ("input.json", "data.json"):
            (folder / name).write_bytes((previous / name).read_bytes())
        write_text(folder / "metrics.csv", _metrics(previous))
        # Of InstaNAS: stage 2 may begin with one that this rung does not come by.
        if (previous / "operating_points").exists():
            shutil.copytree(previous / "operating_points", folder / "operating_points")
        for path in (folder / "operating_points").glob("*/flags.txt"):
            write_text(path, to_flagfile(settings))
        reader = tf.train.load_checkpoint(str(previous / f"checkpoints/epoch-{epochs}"))
        names = itertools.takewhile(reader.has_tensor, map(WEIGHT.format, range(2**20)))
        weights = [tf.Variable(reader.get_tensor(name)) for name in names]
        path = str(folder / f"checkpoints/epoch-{epochs}")
        tf.train.Checkpoint(weights=weights).write(path)


def _metrics(previous):
    """Returns the rows of a rung, whose stages are not those of the next one."""
    rows = read_rows(previous / "metrics.csv")
    rows = [row | {"stage": f"earlier rung, {row['stage']}"} for row in rows]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
