"""The threshold T of a route: a number, or one a connection."""


def check_threshold(threshold):
    """Returns T as a float or a list of floats.

    Raises:
        ValueError: If a number is not in (0, 1].
    """
    numbers = threshold if isinstance(threshold, (list, tuple)) else [threshold]
    if not numbers or not all(0.0 < float(number) <= 1.0 for number in numbers):
        raise ValueError(
            f"A threshold T is a number with 0 < T <= 1 (T=1 runs all branches); "
            f"got {threshold!r}."
        )
    if isinstance(threshold, (list, tuple)):
        return [float(number) for number in threshold]
    return float(threshold)
