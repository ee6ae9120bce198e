"""Schedules: the value of a quantity in each epoch of a training stage.

A schedule is a function `(epoch, epochs) -> float`. Its arguments are the number of the
epoch in the stage, from 0, and the number of epochs of the stage. The last epoch has
the end value, however short the stage is. Only `exponential` with a `decay` may not
reach it.
"""

import math
from collections.abc import Callable

Schedule = Callable[[int, int], float]


def constant(value: float) -> Schedule:
    """Returns a schedule that has the same value in all epochs."""
    return lambda epoch, epochs: value


def linear(start: float, end: float) -> Schedule:
    """Returns a schedule that goes from `start` to `end` in equal steps."""
    return lambda epoch, epochs: start + (end - start) * _progress(epoch, epochs)


def exponential(start: float, end: float, decay: float | None = None) -> Schedule:
    """Returns a schedule that goes from `start` to `end` by equal factors.

    Args:
        start: Value in the first epoch, above 0.
        end: Value in the last epoch, above 0.
        decay: With `None`, the factor follows from the number of epochs. With a number,
            the factor of each epoch is exp(-decay), and the value falls no lower than
            `end`. In a short stage it does not reach `end`. DRNet, section 4.1, has
            start 1.0, end 0.5 and decay 0.0006.
    """
    if decay is None:
        return lambda epoch, epochs: start * (end / start) ** _progress(epoch, epochs)
    return lambda epoch, epochs: max(end, start * math.exp(-decay * epoch))


def cosine(start: float, end: float) -> Schedule:
    """Returns a schedule that goes from `start` to `end` along half a cosine."""
    return lambda epoch, epochs: (
        end + (start - end) * (1 + math.cos(math.pi * _progress(epoch, epochs))) / 2
    )


def part(schedule: Schedule, first: int, total: int) -> Schedule:
    """Returns the part of a longer schedule that falls into a stage.

    Args:
        schedule: Schedule of several stages, as if they were one.
        first: Number of epochs before the stage.
        total: Number of epochs of all stages.
    """
    return lambda epoch, epochs: schedule(first + epoch, total)


def early(schedule: Schedule) -> Schedule:
    """Returns a schedule that runs twice as fast, then keeps its end value."""
    return lambda epoch, epochs: schedule(min(2 * epoch, epochs - 1), epochs)


def _progress(epoch, epochs):
    """Returns how much of the stage is done, from 0 in the first epoch to 1."""
    return epoch / (epochs - 1) if epochs > 1 else 1.0
