"""Units: costs as people read them."""


def readable(number):
    """Returns a count with its magnitude, as 84.65 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.2f} {letter}"
    return f"{number:.0f}"
