"""Android inputs: images whose routes are light, median and heavy."""

import numpy as np
from tqdm import tqdm

from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.text import readable


def cost_of(model, table=None):
    """Returns the `RouteCost` of a network: in MACs, or in ms by a table.

    Raises:
        ValueError: If the table is in another unit or lacks a module.
    """
    if table is None:
        return model.route_cost
    if table.unit != "ms":
        raise UserError(
            f"--cost_table is to be a table in ms, as `python -m export.latency` "
            f"writes one; got one in {table.unit}."
        )
    return RouteCost(model.modules, table)


class Inputs:
    """Images, as a routed model takes them.

    Args:
        source: `Source` of the network.
        form: `Form` of the routed model.
        images: uint8 images `(n, height, width, channels)`.
        labels: Their labels `(n,)`, or `None`.
        cost: `RouteCost` to choose by.
    """

    def __init__(self, source, form, images, labels, cost):
        self._source, self._cost = source, cost
        self._images, self._labels = images, labels
        self._tensors = images
        if not form.preprocess:
            self._tensors = np.asarray(source.input_format.normalize(images))
        self._threshold, self._others = form.threshold, {}
        if form.threshold_input:
            self._threshold = float(np.mean(form.threshold))
            self._others = {"threshold": self._threshold}

    def given(self, index):
        """Returns the inputs of an image: `image` and, where T is one, `threshold`."""
        return {"image": self._tensors[index], **self._others}

    def routes(self, interpreter):
        """Returns the routes of all images, `(n, branches of all MixedOps)`."""
        rows = tqdm(range(len(self._images)), "routing", leave=False, disable=None)
        return np.stack([interpreter(**self.given(row))["route"][0] for row in rows])

    def choose(self, taken):
        """Returns indices: of the routes, the least, the median and the most costly."""
        order = np.argsort(self._total(taken), kind="stable")
        places = {"light": 0, "median": (len(order) - 1) // 2, "heavy": -1}
        return {name: int(order[place]) for name, place in places.items()}

    def describe(self, interpreter, chosen):
        """Returns the content of `inputs.json`.

        Args:
            interpreter: `Interpreter` of the routed model.
            chosen: Mapping from names to indices of images.

        Returns:
            A dict: `of` (n), `trained`, `threshold`, `threshold_input`, and, under
            `inputs`, what the model does with each of the chosen images.
        """
        return {
            "of": len(self._images),
            "trained": self._source.run is not None,
            "threshold": self._threshold,
            "threshold_input": bool(self._others),
            "inputs": {
                name: self._describe(index, interpreter(**self.given(index)))
                for name, index in chosen.items()
            },
        }

    def save_pictures(self, folder, chosen):
        """Writes the chosen images as `NAME.png`."""
        from PIL import Image

        for name, index in chosen.items():
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

    def _total(self, taken):
        routes = self._source.model.route_spec.split(taken)
        return np.asarray(self._cost.total(routes))


def table_lines(found):
    """Yields the content of `inputs.json` as the lines of a table."""
    rows = found["inputs"]
    timed = any("milliseconds" in row for row in rows.values())
    yield (
        f"{'':8}{'image':>6}   {'label':14}{'class':14}branches        MACs"
        f"{'   predicted' if timed else ''}"
    )
    for name, row in rows.items():
        ms = f"{row['milliseconds']:9.3f} ms" if timed else ""
        label = row["label"] or "noise"
        yield (
            f"{name:8}{row['index']:6}   {label:14.13}{row['predicted']:14.13}"
            f"{row['branches']:8}{readable(row['macs']):>12}{ms}"
        )
