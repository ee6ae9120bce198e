"""Text: numbers and tables as people read them."""

from collections.abc import Iterable, Sequence


def readable(number: float) -> str:
    """Returns a count with its magnitude, such as "84.65 M".

    Args:
        number: A count of MACs or parameters.
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= 0.999995 * size:  # 999,999 is read as 1.00 M.
            return f"{number / size:.2f} {letter}"
    return f"{number:.0f}"


def is_line(text: str) -> bool:
    """Returns whether a text can be one line of a text file, as it is.

    It cannot if it is empty or blank, has a line break, or is not UTF-8, such as a file
    name of another encoding.

    Args:
        text: Any string.
    """
    encoded = text.encode(errors="replace").decode()
    return bool(text.strip()) and text.splitlines() == [text] and encoded == text


def align(rows: Iterable[Sequence[str]], left_columns: int = 1) -> str:
    """Returns rows of cells as a table whose columns are aligned.

    Args:
        rows: Rows of texts. A short row ends with empty cells.
        left_columns: Number of columns that are aligned to the left; the others are
            aligned to the right, as numbers are.

    Returns:
        One line for each row, with two spaces between columns.
    """
    rows = [list(row) for row in rows]
    columns = max(map(len, rows), default=0)
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(len(row[index]) for row in rows) for index in range(columns)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if index < left_columns else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
