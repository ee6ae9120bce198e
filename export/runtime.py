"""Runtime: classifies images with an exported network on this machine's CPU.

It needs numpy and ai-edge-litert, but neither TensorFlow nor Keras.
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
    """What a network returns for n images.

    Attributes:
        labels: List with the name of the most probable class of each image.
        probabilities: float32 array `(n, classes)`.
        macs: Array `(n,)` of the multiply-accumulates that ran for each image.
        milliseconds: Array `(n,)` of the time in ms that the network ran for each
            image. The time to prepare the image is not included.
    """

    labels: list
    probabilities: np.ndarray
    macs: np.ndarray
    milliseconds: np.ndarray


class Classifier:
    """Classifies images with an exported network.

    ```python
    classifier = Classifier("runs/NAME/export/model.tflite")
    classifier(images).labels  # ["cat", "dog", …]
    ```

    Args:
        path: The `.tflite` file. The `model.json` of the same export must lie beside
            it.
        num_threads: Number of CPU threads.

    Attributes:
        input_format: `InputFormat`: shape of the images and names of the classes.

    Raises:
        UserError: If one of the files is missing or broken, if the two files are of
            different networks, or if the network is of the forced variant.
    """

    def __init__(self, path: str | pathlib.Path, num_threads: int = 1):
        self._path = pathlib.Path(path)
        self._interpreter = Interpreter(path, num_threads)
        description = self._path.with_name("model.json")
        self.input_format, self._threshold = _read(description)
        inputs = self._interpreter.inputs
        if "route" in inputs:
            raise UserError(
                f"{path} was exported with --variant=forced: it has the route as an "
                f"input and cannot choose it. Name the file of another variant, such "
                f"as model.tflite."
            )
        expected = {
            "image": (1, *self.input_format.shape),
            "probabilities": (1, len(self.input_format.class_names)),
        }
        tensors = {**inputs, **self._interpreter.outputs()}
        actual = {name: np.shape(tensors.get(name)) for name in expected}
        if actual != expected:
            raise UserError(
                f"{path} has the shapes {actual}, but {description} has {expected}: "
                f"they are of different networks. Export the network again with "
                f"`python -m export.tflite`."
            )
        # The first run is slow, so it is done here. All inputs are 1. If T is an input,
        # it is 1 too, and all branches run.
        self._interpreter(**{name: zeros + 1 for name, zeros in inputs.items()})

    def __call__(
        self, images: np.ndarray, threshold: float | None = None
    ) -> Classification:
        """Classifies images, one after the other.

        Args:
            images: uint8 array `(n, height, width, channels)`, or one image `(height,
                width, channels)`.
            threshold: T in (0, 1], for a file that has T as an input. Default: T of
                `model.json`.

        Returns:
            A `Classification`.

        Raises:
            UserError: If the images have another type or shape, if T is out of range
                or is several numbers, or if T is passed but the file does not take it.
        """
        images, more_inputs = self._images(images), self._threshold_input(threshold)
        names = self.input_format.class_names
        probabilities = np.empty((len(images), len(names)), "float32")
        macs, milliseconds = np.empty((2, len(images)))
        for index, image in enumerate(images):
            self._interpreter.set(image=image, **more_inputs)
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
                f"images must be uint8, with pixels from 0 to 255; got {images.dtype}. "
                f"Pass them as they were read, not scaled."
            )
        if images.ndim not in (3, 4) or images.shape[-3:] != shape:
            height, width, channels = shape
            raise UserError(
                f"images must have the shape (n, {height}, {width}, {channels}), or "
                f"({height}, {width}, {channels}) for one image; got {images.shape}. "
                f"`tfdyn.data.image_files.load_square(path, {height}, {channels})` "
                f"reads an image file in this shape."
            )
        images = images.reshape(-1, *shape)
        if self._interpreter.inputs["image"].dtype == "uint8":
            return images
        return self.input_format.normalize(images)

    def _threshold_input(self, threshold):
        """Returns `{"threshold": T}`, or `{}` for a file that has T inside."""
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
                f"{self._path} needs one T for the whole network, not one for each "
                f"MixedOp; got {threshold} (from model.json if you passed none). "
                f"Give threshold=T, a number in (0, 1]."
            )
        return {"threshold": check_threshold(threshold)}


def _read(path):
    """Returns the `InputFormat` and T of a `model.json`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        shape, mean, std = (content["input"][name] for name in ("shape", "mean", "std"))
        input_format = InputFormat(content["labels"], shape[1:], mean, std)
        return input_format, check_threshold(content["threshold"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is missing or broken ({type(error).__name__}: {error}). `python "
            f"-m export.tflite` writes it beside the model: export again, or copy both "
            f"files."
        ) from error
