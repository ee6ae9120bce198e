"""Units: costs as people read them."""


def readable(number):
    """Returns a count with its magnitude, as 84.65 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= 0.999995 * size:  # 999,999 is read as 1.00 M.
            return f"{number / size:.2f} {letter}"
    return f"{number:.0f}"
