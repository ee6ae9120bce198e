"""Figures: plots in one style, drawn without a display."""

import contextlib
import pathlib

from tfdyn.files import whole


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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    canvas = Figure(figsize=size, layout="tight")
    FigureCanvasAgg(canvas)
    axes = list(canvas.subplots(1, columns, squeeze=False)[0])
    for column in axes:
        column.grid(alpha=0.3)
        column.set_axisbelow(True)
    yield axes[0] if columns == 1 else axes
    with whole(path) as temporary:
        canvas.savefig(temporary, format="png", dpi=120)
