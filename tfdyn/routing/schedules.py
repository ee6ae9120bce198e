"""Schedules: a setting's value at each epoch of a training stage.

A schedule is a function `(epoch, epochs) -> float`, with the 0-based epoch of a
stage and the stage's number of epochs. The last epoch has the end value, however
short the stage.
"""

import math


def constant(value):
    """Returns a schedule that is `value` throughout."""
    return lambda epoch, epochs: value


def linear(start, end):
    """Returns a schedule that goes from `start` to `end` in equal steps."""
    return lambda epoch, epochs: start + (end - start) * _progress(epoch, epochs)


def exponential(start, end, decay=None):
    """Returns a schedule that goes from `start` to `end` by equal factors.

    Args:
        start: Value at the first epoch, above 0.
        end: Value at the last epoch, above 0.
        decay: With a number, the value is multiplied by exp(-decay) an epoch and
            stops at `end` (DRNet section 4.1: 1.0, 0.5 and 0.0006), whether the
            stage is long enough to get there or not.
    """
    if decay is None:
        return lambda epoch, epochs: start * (end / start) ** _progress(epoch, epochs)
    return lambda epoch, epochs: max(end, start * math.exp(-decay * epoch))


def cosine(start, end):
    """Returns a schedule that goes from `start` to `end` along half a cosine."""
    return lambda epoch, epochs: (
        end + (start - end) * (1 + math.cos(math.pi * _progress(epoch, epochs))) / 2
    )


def early(schedule):
    """Returns a schedule that is done in half of the stage, and stays at its end."""
    return lambda epoch, epochs: schedule(min(2 * epoch, epochs - 1), epochs)


def _progress(epoch, epochs):
    return epoch / (epochs - 1) if epochs > 1 else 1.0
