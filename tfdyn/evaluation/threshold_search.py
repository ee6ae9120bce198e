"""Threshold search: the largest threshold T whose mean cost meets a budget."""

import math

import numpy as np

SMALLEST = 1e-6
# A mean this share below the budget is near enough.
TOLERANCE = 1e-3


def largest_threshold(mean_cost, budget, tolerance=TOLERANCE, unit="ms"):
    """Returns the largest T whose mean meets a budget; its mean was asked for.

    The largest to the tolerance or, where the mean jumps, to float32's resolution. In
    a trained network one weight of each connection is nearly 1: T is searched by the
    logarithm of 1 - T, halving and interpolating in turn.

    Args:
        mean_cost: Function from T in (0, 1] to the mean, that rises with T; asked
            several times for the same T.
        budget: The mean that must not be exceeded.
        tolerance: Share of the budget that may be left over.
        unit: Of both, for the error.

    Raises:
        ValueError: If the smallest T exceeds the budget.
    """
    low, high = SMALLEST, 1.0
    if mean_cost(high) <= budget:
        return high
    if mean_cost(low) > budget:
        raise ValueError(
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


def _between(low, high, share):
    """Returns a T of few digits at a share of the way between two, by log(1 - T)."""
    wide, narrow = 1 - low, max(1 - high, 2**-25)  # Half of float32's last step.
    gap = wide * (narrow / wide) ** min(max(share, 0.1), 0.9)
    for digits in range(1, 9):
        rounded = float(f"{gap:.{digits}g}")
        if abs(math.log(rounded / gap)) < 0.1 * math.log(wide / narrow):
            break
    return round(1 - rounded, 9)
