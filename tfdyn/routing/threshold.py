"""Threshold T: how much of a network runs, one number or one a MixedOp.

Nothing here needs Keras: exported files are run without it.
"""

import numpy as np

from tfdyn.errors import UserError


def check_threshold(threshold) -> float | list[float]:
    """Checks T and returns it as a float or a list of floats.

    Args:
        threshold: A number, or a list, tuple or array of numbers. Strings such as "0.5"
            are accepted too.

    Raises:
        UserError: If the list is empty, or a number is not in (0, 1].
    """
    if isinstance(threshold, (np.ndarray, np.generic)):
        threshold = threshold.tolist()
    several = isinstance(threshold, (list, tuple))
    try:
        numbers = [float(number) for number in (threshold if several else [threshold])]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if not numbers or not all(0.0 < number <= 1.0 for number in numbers):
        raise UserError(
            f"A threshold T is a number with 0 < T <= 1 (T=1 runs all branches); "
            f"got {threshold!r}."
        )
    return numbers if several else numbers[0]


def threshold_from_flag(texts) -> float | list[float]:
    """Returns T from the values of `--threshold`: one number, or one a MixedOp.

    Args:
        texts: List or tuple of numbers, or of strings such as "0.5".

    Raises:
        UserError: As `check_threshold`.
    """
    numbers = check_threshold(list(texts))
    return numbers[0] if len(numbers) == 1 else numbers


def threshold_per_mixed_op(threshold, count: int) -> np.ndarray:
    """Returns T for each MixedOp, a float32 array `(count,)`.

    Args:
        threshold: One number, or a list with one a MixedOp.
        count: Number of MixedOps.

    Raises:
        UserError: If a number is not in (0, 1], or the list has another length.
    """
    if isinstance(threshold, np.ndarray):
        threshold = threshold.tolist()
    numbers = np.asarray(check_threshold(threshold), "float32")
    if numbers.shape not in ((), (count,)):
        raise UserError(
            f"A threshold is one number or one for each of the {count} connections; "
            f"got {len(numbers)}."
        )
    return np.broadcast_to(numbers, (count,)).copy()


def threshold_label(threshold) -> str:
    """Returns the label of T, a float or a list of floats, in tables and plots."""
    # With as many digits as float32 has near 1, a T below 1 is never printed as 1.
    return f"T={threshold:.8g}" if isinstance(threshold, float) else "own thresholds"
