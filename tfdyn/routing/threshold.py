"""The threshold T of a route: a number, or one a connection."""


def check_threshold(threshold):
    """Returns T as a float or a list of floats.

    Args:
        threshold: A number, or a list of them; texts of numbers will do.

    Raises:
        ValueError: If one is not a number in (0, 1], or there is none.
    """
    several = isinstance(threshold, (list, tuple))
    try:
        numbers = [float(number) for number in (threshold if several else [threshold])]
    except ValueError:
        numbers = []
    if not numbers or not all(0.0 < number <= 1.0 for number in numbers):
        raise ValueError(
            f"A threshold T is a number with 0 < T <= 1 (T=1 runs all branches); "
            f"got {threshold!r}."
        )
    return numbers if several else numbers[0]
