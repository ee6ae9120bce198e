"""What the pictures of a report share: their size, scales and words."""

from tfdyn.text import readable

# Inches. As wide as a telephone's screen shows in letters that can still be read.
SIZE = (5.2, 3.7)
WIDTH = SIZE[0]
UNITS = {"macs": "MACs an image", "ms": "Milliseconds an image"}


def scale_of(unit: str) -> tuple[float, str]:
    """Returns a factor and a label for an axis of costs.

    Args:
        unit: "macs" or "ms".
    """
    return (1e-6, f"{UNITS[unit]} (M)") if unit == "macs" else (1.0, UNITS[unit])


def cost_text(cost: float, unit: str) -> str:
    """Returns a cost as text, such as "23.04 M MACs" or "0.7231 ms".

    Args:
        cost: Cost of an image.
        unit: Its unit.
    """
    return f"{readable(cost)} MACs" if unit == "macs" else f"{cost:.4g} {unit}"


def short(text: str, letters: int = 24) -> str:
    """Returns a text that is cut off if it is too long for a plot.

    Args:
        text: Any text.
        letters: The most letters that are kept.
    """
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
