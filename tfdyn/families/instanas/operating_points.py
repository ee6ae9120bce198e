"""Operating points: models that a search saves, from expensive to cheap."""

from typing import Any, TextIO

import keras

from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.families.instanas.settings import OPERATING_POINTS as NAMES
from tfdyn.figures import figure
from tfdyn.files import write_json
from tfdyn.reading import is_there, read_json
from tfdyn.text import align, readable

TABLE, PLOT = "operating_points.json", "operating_points.png"
# What each point has in the JSON file, and its types.
NUMBER = (int, float)
ENTRIES = {"point": (str,), "epoch": (int,), "split": (str,)}
ENTRIES |= dict.fromkeys(("accuracy", "macs_mean", "modules"), NUMBER)
ENTRIES |= {"same_architecture": NUMBER}


def epochs_of(first_epoch: int, joint_epochs: int) -> dict[int, str]:
    """Returns the epochs at whose end an operating point is saved.

    They are spread evenly over the search, and the last is its last epoch. All are
    epochs of the meta-graph, which follow those of the router.

    Args:
        first_epoch: Index of the first epoch of the joint stage, from 0.
        joint_epochs: Number of epochs of the joint stage.

    Returns:
        Dict from the index of an epoch, from 0, to the name of the point.
    """
    turns = joint_epochs // 2
    ends = (round(turns * (i + 1) / len(NAMES)) for i in range(len(NAMES)))
    return {
        first_epoch + 2 * end - 1: name for end, name in zip(ends, NAMES, strict=True)
    }


class OperatingPoints(keras.callbacks.Callback):
    """Saves a model at each operating point of a search, with accuracy and cost.

    Each point is a run folder of its own, `operating_points/NAME/`. The files
    `operating_points.json` and `operating_points.png` compare the points. Accuracy and
    cost are those of the validation images. If there are none, they are those of the
    meta-graph's training: of explored architectures, shuffled over the images.

    Args:
        settings: `Settings` of the run.
        input_format: `InputFormat` of the images.
        folder: `RunFolder` of the search.
        output: Text stream that the table of all points is written to.
    """

    def __init__(self, settings, input_format: InputFormat, folder, output: TextIO):
        super().__init__()
        self.settings, self.input_format = settings, input_format
        self.folder, self.output = folder, output
        self.epochs = epochs_of(settings.pretrain_epochs, settings.joint_epochs)

    def on_train_begin(self, logs=None):
        read(self.folder / TABLE)  # A broken file is refused before the first step.

    def on_epoch_end(self, epoch, logs=None):
        name = self.epochs.get(epoch)
        if name is None:
            return
        point = self.folder.operating_point(name)
        point.start(self.settings, self.input_format)
        point.save_model(self.model)
        # Before a run was stopped and resumed, it may have saved later points.
        path = self.folder / TABLE
        points = [point for point in read(path) if point["epoch"] <= epoch]
        points.append({"point": name, "epoch": epoch + 1, **summary(logs)})
        write_json(path, points)
        if name == NAMES[-1]:
            plot(self.folder / PLOT, points)
            self.output.write(f"\n{table(points)}\n\n")


def read(path) -> list[dict]:
    """Reads the operating points that a search has saved so far.

    Args:
        path: JSON file of the points.

    Returns:
        List of dicts, as in the file; empty if there is no file.

    Raises:
        UserError: If the file does not hold operating points.
    """
    if not is_there(path):
        return []
    mend = "Delete it: the points that follow are written anew."
    points = read_json(path, "a list of operating points", mend, list)
    for point in points:
        for name, kinds in ENTRIES.items():
            if not isinstance(point, dict) or type(point.get(name)) not in kinds:
                raise UserError(
                    f"{path} is not a list of operating points: {name!r} is missing or "
                    f"wrong in one. {mend}"
                )
    return points


def summary(logs: dict[str, float]) -> dict[str, Any]:
    """Returns the entries of an operating point in the table and in the JSON file.

    Args:
        logs: Dict from the names of an epoch's metrics to their values.

    Returns:
        Dict with `accuracy` (0 to 1), the `split` that it was measured on, `macs_mean`
        (MACs for each image), `ms_mean` (milliseconds for each image), the
        `upper_bound` and `lower_bound` of the search, and the shares `modules` and
        `same_architecture`. From `ms_mean` on, entries are left out if `logs` lacks
        them.
    """
    validation = "val_accuracy" in logs
    entries = {
        "accuracy": logs["val_accuracy" if validation else "accuracy"],
        "split": "validation" if validation else "train",
        "macs_mean": logs["val_macs_mean" if validation else "expected_macs"],
    }
    if "val_ms_mean" in logs:
        entries["ms_mean"] = logs["val_ms_mean"]
    names = ("upper_bound", "lower_bound", "modules", "same_architecture")
    return entries | {name: logs[name] for name in names if name in logs}


def table(points: list[dict]) -> str:
    """Returns operating points, dicts as in the JSON file, as a table for people."""
    heads = ["point", "epoch", "accuracy", "MACs", "ms", "modules", "one architecture"]
    rows = [
        [
            point["point"],
            str(point["epoch"]),
            f"{100 * point['accuracy']:.2f} %",
            readable(point["macs_mean"]),
            f"{point['ms_mean']:.4g}" if "ms_mean" in point else "-",
            f"{100 * point['modules']:.1f} %",
            f"{100 * point['same_architecture']:.1f} %",
        ]
        for point in points
    ]
    return align([heads, *rows])


def frontier(points: list[dict], cost: str) -> list[dict]:
    """Returns the points that are more accurate than all cheaper points.

    Args:
        points: List of operating points, dicts as from `summary`.
        cost: Key of the cost in them, "macs_mean" or "ms_mean".

    Returns:
        List of points, from the cheapest to the most expensive.
    """
    best, front = -1.0, []
    for point in sorted(points, key=lambda p: (p[cost], -p["accuracy"])):
        if point["accuracy"] > best:
            front.append(point)
            best = point["accuracy"]
    return front


def plot(path, points: list[dict]) -> None:
    """Draws accuracy against cost, and the Pareto frontier of the points.

    Args:
        path: PNG file to write.
        points: Operating points.
    """
    cost = "ms_mean" if all("ms_mean" in point for point in points) else "macs_mean"
    scale = 1.0 if cost == "ms_mean" else 1e-6
    with figure(path) as axes:
        for some, style in ((points, "o"), (frontier(points, cost), "-")):
            costs = [scale * point[cost] for point in some]
            accuracies = [100 * point["accuracy"] for point in some]
            axes.plot(costs, accuracies, style, color="C0")
        for point in points:
            place = (scale * point[cost], 100 * point["accuracy"])
            axes.annotate(point["point"], place, (5, 5), textcoords="offset points")
        unit = "milliseconds" if cost == "ms_mean" else "MACs (M)"
        axes.set(
            xlabel=f"{unit} an image",
            ylabel=f"{points[0]['split']} accuracy (%)",
            title="operating points",
        )
        axes.margins(0.12)
