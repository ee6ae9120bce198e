"""Figures: plots in one style, drawn without a display."""

import contextlib
import pathlib
import warnings

from tfdyn.files import whole

# Names of classes and runs may hold `$`: no text is read as a formula.
LITERAL = {"text.parse_math": False}
INK, PAPER = "#e8e8e8", "#1b1d21"
DARK = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "legend.facecolor": PAPER,
    "grid.color": "#8a8f98",
    **dict.fromkeys(("axes.edgecolor", "legend.edgecolor"), "#8a8f98"),
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor"), INK),
    **dict.fromkeys(("xtick.color", "ytick.color", "lines.color"), INK),
}


@contextlib.contextmanager
def dark():
    """Returns a context in which figures are light on dark, for screens set so."""
    import matplotlib

    with matplotlib.rc_context(DARK):
        yield


@contextlib.contextmanager
def figure(
    path: str | pathlib.Path, size: tuple[float, float] = (6, 4), columns: int = 1
):
    """Returns a context with axes to draw on; at its end, writes the PNG.

    ```python
    with figure("plot.png") as axes:
        axes.plot(macs, accuracy)
    ```

    Nothing is written if an exception is raised inside.

    Args:
        path: PNG file to write.
        size: Width and height in inches.
        columns: Number of axes, side by side.

    Yields:
        Matplotlib axes; with several columns, a list of them.
    """
    # Heavy, and most commands draw nothing.
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(LITERAL), warnings.catch_warnings():
        # A class may be named in letters that the font lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        canvas = Figure(figsize=size, layout="tight")
        FigureCanvasAgg(canvas)
        axes = list(canvas.subplots(1, columns, squeeze=False)[0])
        for column in axes:
            column.grid(alpha=0.3)
            column.set_axisbelow(True)
        yield axes[0] if columns == 1 else axes
        with whole(path) as temporary:
            canvas.savefig(temporary, format="png", dpi=120)
