"""Runtime: exported networks on this machine's CPU, without ceremony.

Nothing here needs TensorFlow or Keras: numpy and ai-edge-litert do.
"""

import dataclasses
import json
import pathlib
import time

import numpy as np

from export.interpreter import Interpreter
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.routing.threshold import check_threshold


@dataclasses.dataclass(frozen=True, eq=False)
class Classification:
    """What a network says of n images.

    Attributes:
        labels: Name of the most probable class of each image, a list.
        probabilities: Of each class, `(n, classes)`.
        macs: Multiply-accumulates that each image took, `(n,)`.
        milliseconds: Time that the network alone ran for each image, `(n,)`.
    """

    labels: list
    probabilities: np.ndarray
    macs: np.ndarray
    milliseconds: np.ndarray


class Classifier:
    """An exported network, from pixels to the names of classes.

    ```python
    classifier = Classifier("runs/NAME/export/model.tflite")
    classifier(images).labels  # ["cat", "dog", …]
    ```

    Args:
        path: The `.tflite` file, with the `model.json` of its export beside it.
        num_threads: Threads of the CPU that it may use.

    Attributes:
        input_format: `InputFormat`, with the images' shape and the classes' names.

    Raises:
        ValueError: If one of the files is missing or broken, if they are of different
            networks, or if the network is of the forced variant.
    """

    def __init__(self, path, num_threads=1):
        self._path = pathlib.Path(path)
        self._interpreter = Interpreter(path, num_threads)
        description = self._path.with_name("model.json")
        self.input_format, self._threshold = _read(description)
        inputs = self._interpreter.inputs
        if "route" in inputs:
            raise UserError(
                f"{path} has the route as an input (--variant=forced), and cannot "
                f"choose it; give the file of another variant, as model.tflite."
            )
        expected = {
            "image": (1, *self.input_format.shape),
            "probabilities": (1, len(self.input_format.class_names)),
        }
        tensors = {**inputs, **self._interpreter.outputs()}
        actual = {name: np.shape(tensors.get(name)) for name in expected}
        if actual != expected:
            raise UserError(
                f"{path} has the shapes {actual}, {description} has {expected}: they "
                f"are of different networks. Export again by `python -m export.tflite`."
            )
        # The first run is slow. Ones: with T=1 it runs all branches.
        self._interpreter(**{name: zeros + 1 for name, zeros in inputs.items()})

    def __call__(self, images, threshold=None):
        """Classifies images, one after the other.

        Args:
            images: uint8 `(n, height, width, channels)`, or one without the n.
            threshold: T in (0, 1], for a file that has T as an input (default: that of
                `model.json`).

        Returns:
            A `Classification`.

        Raises:
            ValueError: If the images are not as the network reads them, or T is out of
                range, missing or of no use.
        """
        images, given = self._images(images), self._given(threshold)
        names = self.input_format.class_names
        probabilities = np.empty((len(images), len(names)), "float32")
        macs, milliseconds = np.empty((2, len(images)))
        for index, image in enumerate(images):
            self._interpreter.set(image=image, **given)
            start = time.perf_counter()
            self._interpreter.invoke()
            milliseconds[index] = 1e3 * (time.perf_counter() - start)
            outputs = self._interpreter.outputs()
            probabilities[index] = outputs["probabilities"][0]
            macs[index] = outputs["macs"][0]
        labels = [names[best] for best in probabilities.argmax(axis=-1)]
        return Classification(labels, probabilities, macs, milliseconds)

    def _images(self, images):
        images, shape = np.asarray(images), self.input_format.shape
        if images.dtype != "uint8":
            raise UserError(
                f"Images are uint8, pixels of 0..255; got {images.dtype}. Give them as "
                f"they were read, not scaled."
            )
        if images.ndim not in (3, 4) or images.shape[-3:] != shape:
            height, width, channels = shape
            raise UserError(
                f"Images are (n, {height}, {width}, {channels}), or one ({height}, "
                f"{width}, {channels}); got {images.shape}. "
                f"`tfdyn.data.image_files.load_square(path, {height}, {channels})` "
                f"reads an image file so."
            )
        images = images.reshape(-1, *shape)
        if self._interpreter.inputs["image"].dtype == "uint8":
            return images
        return self.input_format.normalize(images)

    def _given(self, threshold):
        if "threshold" not in self._interpreter.inputs:
            if threshold is None:
                return {}
            raise UserError(
                f"{self._path} has no threshold as an input; got threshold="
                f"{threshold}. Export with --threshold_input, or leave it out."
            )
        threshold = self._threshold if threshold is None else threshold
        if isinstance(threshold, list | tuple):
            raise UserError(
                f"{self._path} takes one T for the whole network, not one a connection "
                f"({threshold}, that of model.json if none was given). Give "
                f"threshold=T, a number."
            )
        return {"threshold": check_threshold(threshold)}


def _read(path):
    """Returns the `InputFormat` and T of a `model.json`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        shape, mean, std = (content["input"][name] for name in ("shape", "mean", "std"))
        given = InputFormat(content["labels"], shape[1:], mean, std)
        return given, check_threshold(content["threshold"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is missing or broken ({type(error).__name__}: {error}). It is "
            f"written beside the model by `python -m export.tflite`: export again, or "
            f"copy both files."
        ) from error
