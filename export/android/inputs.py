"""Android inputs: images whose routes are light, median and heavy."""

import pathlib

import numpy as np
from PIL import Image
from tqdm import tqdm

from export.graph.form import Form
from export.interpreter import Interpreter
from export.source import Source
from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.models.routed_model import RoutedModel
from tfdyn.text import align, readable


def cost_of(model: RoutedModel, table: CostTable | None = None) -> RouteCost:
    """Returns the `RouteCost` of a network: in MACs, or in ms by a table.

    Args:
        model: `RoutedModel`.
        table: `CostTable` in ms, or `None`.

    Raises:
        UserError: If the table is in another unit or lacks a module.
    """
    if table is None:
        return model.route_cost
    if table.unit != "ms":
        raise UserError(
            f"--cost_table must be a table in ms, as `python -m export.latency` writes "
            f"it; got one in {table.unit}."
        )
    return RouteCost(model.modules, table)


class Inputs:
    """Prepares images as inputs of a routed model, and chooses three of them.

    Args:
        source: `Source` of the network.
        form: `Form` of the routed model.
        images: uint8 images `(n, height, width, channels)`.
        labels: Their labels `(n,)`, or `None`.
        cost: `RouteCost` by which they are chosen.
    """

    def __init__(
        self,
        source: Source,
        form: Form,
        images: np.ndarray,
        labels: np.ndarray | None,
        cost: RouteCost,
    ):
        self._source, self._cost = source, cost
        self._images, self._labels = images, labels
        self._tensors = images
        if form.int8_io:
            self._tensors = (images.astype("int16") - 128).astype("int8")
        if not form.preprocess:
            self._tensors = np.asarray(source.input_format.normalize(images))
        self._threshold, self._others = form.threshold, {}
        if form.threshold_input:
            self._threshold = form.input_threshold
            self._others = {"threshold": self._threshold}

    def tensors(self, index: int) -> dict:
        """Returns the inputs of the model for an image.

        Args:
            index: Index of the image.

        Returns:
            `image`, an array of the model's type, and `threshold` if T is an input.
        """
        return {"image": self._tensors[index], **self._others}

    def routes(self, interpreter: Interpreter) -> np.ndarray:
        """Returns the flat routes of all images, `(n, branches of all MixedOps)`.

        Args:
            interpreter: `Interpreter` of the routed model.
        """
        rows = tqdm(range(len(self._images)), "routing", leave=False, disable=None)
        return np.stack([interpreter(**self.tensors(row))["route"][0] for row in rows])

    def choose(self, routes: np.ndarray) -> dict[str, int]:
        """Chooses the images whose routes cost the least, the median and the most.

        Args:
            routes: Flat routes of all images, `(n, branches of all MixedOps)`.

        Returns:
            Indices under "light", "median" and "heavy".
        """
        order = np.argsort(self._total(routes), kind="stable")
        places = {"light": 0, "median": (len(order) - 1) // 2, "heavy": -1}
        return {name: int(order[place]) for name, place in places.items()}

    def describe(self, interpreter: Interpreter, indices: dict[str, int]) -> dict:
        """Returns the content of `inputs.json`.

        Args:
            interpreter: `Interpreter` of the routed model.
            indices: Mapping from names to indices of images.

        Returns:
            A dict: `of` (n), `labelled` (whether the images have labels; noise has
            none), `trained`, `threshold`, `threshold_input` and, under
            `inputs`, what the model returns for each of the images.
        """
        return {
            "of": len(self._images),
            "labelled": self._labels is not None,
            "trained": self._source.run is not None,
            "threshold": self._threshold,
            "threshold_input": bool(self._others),
            "inputs": {
                name: self._describe(index, interpreter(**self.tensors(index)))
                for name, index in indices.items()
            },
        }

    def save_pictures(self, folder: pathlib.Path, indices: dict[str, int]) -> None:
        """Writes images as `NAME.png`.

        Args:
            folder: Folder of the files.
            indices: Mapping from names to indices of images.
        """
        for name, index in indices.items():
            image = self._images[index]
            image = image[..., 0] if image.shape[-1] == 1 else image
            Image.fromarray(image).save(folder / f"{name}.png")

    def _describe(self, index, outputs):
        names = self._source.input_format.class_names
        probabilities, route = outputs["probabilities"][0], outputs["route"]
        row = {
            "index": index,
            "label": None if self._labels is None else names[self._labels[index]],
            "predicted": names[probabilities.argmax()],
            "probability": float(probabilities.max()),
            "branches": int(np.count_nonzero(route)),
            "macs": int(outputs["macs"][0]),
        }
        if self._cost.unit == "ms":
            row["milliseconds"] = float(self._total(route)[0])
        return {**row, "route": self._source.model.route_spec.to_json(route[0])}

    def _total(self, routes):
        return np.asarray(self._cost.total(self._source.model.route_spec.split(routes)))


def table_text(content: dict) -> str:
    """Returns the content of `inputs.json` as a table.

    Args:
        content: What `Inputs.describe` returned.
    """
    rows = [["", "label", "class", "image", "branches", "MACs"]]
    in_ms = any("milliseconds" in row for row in content["inputs"].values())
    rows[0] += ["predicted"] if in_ms else []
    for name, row in content["inputs"].items():
        label, predicted = row["label"] or "noise", row["predicted"]
        counts = f"{row['index']}", f"{row['branches']}", readable(row["macs"])
        rows.append([name, f"{label:.13}", f"{predicted:.13}", *counts])
        rows[-1] += [f"{row['milliseconds']:.3f} ms"] if in_ms else []
    text = align(rows, left_columns=3)
    if in_ms and "cost_table" in content:
        text += f"\n\npredicted by {content['cost_table']}, "
        text += f"{content['cost_table_origin']}"
    return text
