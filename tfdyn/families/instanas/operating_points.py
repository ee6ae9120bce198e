"""Operating points: the models that one search leaves behind, from dear to cheap."""

import json

import keras

from tfdyn.families.instanas.settings import OPERATING_POINTS as NAMES
from tfdyn.figures import figure
from tfdyn.files import write_json
from tfdyn.text import align, readable

FOLDER, TABLE, PLOT = (
    "operating_points",
    "operating_points.json",
    "operating_points.png",
)


def point_folder(run, name):
    """Returns the `RunFolder` of an operating point, which is exported as any other.

    Args:
        run: `RunFolder` of the search.
        name: One of A to E.
    """
    return run.subfolder(f"{FOLDER}/{name}")


def epochs_of(first, joint_epochs):
    """Maps epochs of a training, 0-based, to the operating points at their ends.

    They are as far from each other as turns of router and meta-graph allow, the last
    at the end of the search; each ends with an epoch of the meta-graph.

    Args:
        first: First epoch of the joint stage.
        joint_epochs: Its number of epochs.
    """
    turns = joint_epochs // 2
    ends = (round(turns * (i + 1) / len(NAMES)) for i in range(len(NAMES)))
    return {first + 2 * end - 1: name for end, name in zip(ends, NAMES, strict=True)}


class OperatingPoints(keras.callbacks.Callback):
    """Keeps models along the falling bound, each with its accuracy and its cost.

    `operating_points/NAME/` is a run folder; `operating_points.json` and `.png` compare
    them. Accuracy is that on the validation share; without one, the training's.

    Args:
        settings: `Settings` of the run.
        input_format: `InputFormat` of its images.
        folder: `RunFolder`.
        output: Where the table is written.
    """

    def __init__(self, settings, input_format, folder, output):
        super().__init__()
        self.settings, self.input_format = settings, input_format
        self.folder, self.output = folder, output
        self.epochs = epochs_of(settings.pretrain_epochs, settings.joint_epochs)

    def on_epoch_end(self, epoch, logs=None):
        name = self.epochs.get(epoch)
        if name is None:
            return
        point = point_folder(self.folder, name)
        point.start(self.settings)
        self.input_format.save(point / "input.json")
        point.save_model(self.model)
        path, points = self.folder / TABLE, []
        if path.exists():  # Without what a killed run went on from.
            points = [p for p in json.loads(path.read_text()) if p["epoch"] <= epoch]
        points.append({"point": name, "epoch": epoch + 1, **summary(logs)})
        write_json(path, points)
        if name == NAMES[-1]:
            plot(self.folder / PLOT, points)
            self.output.write(f"\n{table(points)}\n\n")


def summary(logs):
    """Returns what the table says of an epoch, by its logs."""
    validated = "val_accuracy" in logs
    shown = {
        "accuracy": logs["val_accuracy" if validated else "accuracy"],
        "split": "validation" if validated else "train",
        "macs_mean": logs["val_macs_mean" if validated else "expected_macs"],
    }
    if "val_ms_mean" in logs:
        shown["ms_mean"] = logs["val_ms_mean"]
    names = ("upper_bound", "lower_bound", "modules", "same_architecture")
    return shown | {name: logs[name] for name in names if name in logs}


def table(points: list[dict]) -> str:
    """Returns operating points as a table for people."""
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


def frontier(points, cost):
    """Returns the points that no other one beats in accuracy at no more cost.

    Args:
        points: Operating points.
        cost: Name of their cost, "macs_mean" or "ms_mean".
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
