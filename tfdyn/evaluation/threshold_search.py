"""Threshold search: the largest T whose mean cost stays within a limit."""

import math

import numpy as np

from tfdyn.errors import UserError

SMALLEST = 1e-6
# The search may end when at most this share of the budget is unused.
TOLERANCE = 1e-3


def largest_threshold(
    mean_cost, budget: float, tolerance: float = TOLERANCE, unit: str = "ms"
) -> float:
    """Finds the largest threshold T with `mean_cost(T) <= budget`.

    The search ends when the mean is within the tolerance of the budget. Where the mean
    jumps, it ends when T is exact in float32. In a trained network, one weight of each
    connection is nearly 1. So the search runs over the logarithm of 1 - T. It bisects
    and interpolates in turn.

    Args:
        mean_cost: Function that maps T in (0, 1] to a mean cost and rises with T. It
            is called several times with the same T.
        budget: Largest mean cost allowed, in `unit`.
        tolerance: Share of the budget that may stay unused, from 0 to 1.
        unit: Unit of budget and mean cost, for the error message.

    Raises:
        UserError: If even the smallest T costs more than the budget.
    """
    low, high = SMALLEST, 1.0
    if mean_cost(high) <= budget:
        return high
    if mean_cost(low) > budget:
        raise UserError(
            f"no threshold has a mean of {budget:g} {unit} or less; the least possible "
            f"is {math.ceil(mean_cost(low) * 1e4) / 1e4:g} {unit}, at T={low:g}."
        )
    halve = True
    while mean_cost(low) < (1 - tolerance) * budget:
        share = 0.5
        if not halve:
            below, above = mean_cost(low), mean_cost(high)
            share = ((1 - tolerance / 2) * budget - below) / (above - below)
        middle = _between(low, high, share)
        if not np.float32(low) < np.float32(middle) < np.float32(high):
            break
        if mean_cost(middle) <= budget:
            low = middle
        else:
            high = middle
        halve = not halve
    return low


def smallest_threshold(accuracy, least: float) -> float:
    """Finds the smallest threshold T with `accuracy(T) >= least`.

    Accuracy is taken to rise with T; where it does not, T meets the limit, but a
    smaller one may, too. The search bisects over the logarithm of 1 - T, and ends when
    the accuracy is the limit, or T is known to a few per cent of 1 - T.

    Args:
        accuracy: Function that maps T in (0, 1] to an accuracy in [0, 1]. It is called
            several times with the same T.
        least: Smallest accuracy allowed, in [0, 1].

    Raises:
        UserError: If even T=1 is less accurate.
    """
    low, high = SMALLEST, 1.0
    if accuracy(high) < least:
        raise UserError(
            f"no threshold has an accuracy of {least:g} or more; that of T=1 is "
            f"{math.floor(accuracy(high) * 1e4) / 1e4:g}."
        )
    while math.log((1 - low) / max(1 - high, 2**-25)) > 0.05:
        middle = _between(low, high, 0.5)
        if not np.float32(low) < np.float32(middle) < np.float32(high):
            break
        if accuracy(middle) >= least:
            high = middle
            if accuracy(middle) == least:
                break
        else:
            low = middle
    return high


def _between(low, high, share):
    """Returns a T of few digits, about `share` of the way in log(1 - T)."""
    wide, narrow = 1 - low, max(1 - high, 2**-25)  # Half of float32's last step.
    gap = wide * (narrow / wide) ** min(max(share, 0.1), 0.9)
    for digits in range(1, 9):
        rounded = float(f"{gap:.{digits}g}")
        middle = round(1 - rounded, 9)
        near = abs(math.log(rounded / gap)) < 0.1 * math.log(wide / narrow)
        if near and low < middle < high:
            break
    return middle
