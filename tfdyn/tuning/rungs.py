"""Rungs of hyperband: trainings of a part of the epochs, with whole schedules."""

import dataclasses
import math

from tfdyn.errors import UserError
from tfdyn.families.settings import Settings

EPOCHS = ("pretrain_epochs", "joint_epochs", "finetune_epochs")
# InstaNAS's search has turns of two epochs, and keeps five operating points.
LEAST = {"pretrain_epochs": 1, "joint_epochs": 10, "finetune_epochs": 1}
FACTOR = 3


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
    sizes = {FACTOR**power: trials(FACTOR**power) for power in range(1, 20)}
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


def iterations(resource: int, max_trials: int) -> int:
    """Returns how often hyperband can begin anew, with other settings.

    Args:
        resource: How many times the smallest rung the largest is, a power of 3.
        max_trials: Largest number of trials.
    """
    return max_trials // trials(resource)


def trials(resource: int) -> int:
    """Returns the number of trials of an iteration of hyperband.

    Args:
        resource: How many times the smallest rung the largest is, a power of 3.
    """
    power = round(math.log(resource, FACTOR))
    return sum(
        math.ceil((1 + power) / (bracket + 1) * FACTOR ** (bracket - rung))
        for bracket in range(power + 1)
        for rung in range(bracket + 1)
    )
