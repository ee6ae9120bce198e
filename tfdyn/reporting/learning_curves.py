"""Learning curves: accuracy, loss, MACs and use of branches, epoch by epoch."""

import math

from tfdyn.figures import figure
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import SIZE

# Name of a picture, its title, the label of its y axis, a factor, and its columns.
CURVES = (
    ("accuracy", "Accuracy", "accuracy (%)", 100.0, ("accuracy", "val_accuracy")),
    ("loss", "Loss of the training", "loss", 1.0, ("loss",)),
    ("macs", "MACs", "MACs an image (M)", 1e-6, ("expected_macs", "val_macs_mean")),
)
LABELS = {
    "accuracy": "training images",
    "val_accuracy": "validation images",
    "loss": "training images",
    "expected_macs": "expected, training images",
    "val_macs_mean": "validation images",
}
USE = "use_"


def learning_curves(rows: list[dict[str, str]]) -> list[Picture]:
    """Returns the pictures of a training.

    Args:
        rows: Rows of `metrics.csv` (`tfdyn.training.metrics_table.read_rows`).
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    use = tuple(name for name in columns if name.startswith(USE))
    curves = (*CURVES, ("use", "Mean weight of branches", "mean weight", 1.0, use))
    pictures = []
    for name, title, label, factor, wanted in curves:
        lines = {
            LABELS.get(column, column.removeprefix(USE)): [
                factor * _number(row.get(column)) for row in rows
            ]
            for column in wanted
            if column in columns
        }
        lines = {
            line: values
            for line, values in lines.items()
            if any(map(math.isfinite, values))
        }
        if lines:
            pictures.append(_picture(name, title, label, lines, rows))
    return pictures


def _picture(name, title, label, lines, rows):
    epochs = [int(row["epoch"]) for row in rows]
    ends = []
    for line, values in lines.items():
        finite = [value for value in values if math.isfinite(value)]
        ends.append(f"{line}: {finite[0]:.4g} at first, {finite[-1]:.4g} at the end")

    def draw(path):
        with figure(path, SIZE) as axes:
            for line, values in lines.items():
                axes.plot(epochs, values, ".-", label=line)
            stages = [row["stage"] for row in rows]
            for index in range(1, len(rows)):
                if stages[index] != stages[index - 1]:
                    axes.axvline(epochs[index] - 0.5, linestyle=":", color="C7")
            axes.set(xlabel="epoch", ylabel=label)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.legend(fontsize="small")

    stages = ", ".join(dict.fromkeys(row["stage"] for row in rows))
    return Picture(
        f"learning_{name}",
        f"{title}, by epoch. Stages: {stages}.",
        f"{title} over {len(rows)} epochs. {'; '.join(ends)}.",
        draw,
    )


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan
