"""Runtime: classifies images with an exported network on this machine's CPU.

It needs numpy and ai-edge-litert, but neither TensorFlow nor Keras.
"""

import dataclasses
import pathlib
import threading
import time

import numpy as np

from export import description
from export.interpreter import Interpreter, check_exists
from tfdyn.errors import UserError
from tfdyn.routing.threshold import check_threshold
from tfdyn.temporary import finish


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

    Several threads may use one `Classifier`: it classifies one image at a time. Several
    processes need one each.

    ```python
    classifier = Classifier("runs/NAME/export/model.tflite")
    classifier(images).labels  # ["cat", "dog", …]
    ```

    Args:
        path: The `.tflite` file. The `model.json` of the same export must lie beside
            it.
        num_threads: Number of CPU threads, from 1 to 256.

    Attributes:
        input_format: `InputFormat`: shape of the images and names of the classes.

    Raises:
        UserError: If one of the files is missing or broken, if the `.tflite` file has
            changed since it was exported, if the two files are of different networks,
            if the network is of the forced variant, or if it was not exported by tfdyn.
    """

    def __init__(self, path: str | pathlib.Path, num_threads: int = 1):
        self._path = pathlib.Path(path)
        finish(self._path.parent)  # Or the two files might be of two exports.
        self._description = self._path.with_name("model.json")
        check_exists(path)
        self.input_format, self._threshold, digests = description.read(
            self._description
        )
        description.check_digest(self._path, digests)
        self._interpreter = Interpreter(path, num_threads)
        self._lock = threading.Lock()
        self._check()

    def __reduce__(self):
        raise UserError(
            f"A Classifier cannot be pickled or copied: it runs {self._path} in this "
            f"process. Make one in each process, from the path of the file."
        )

    def _check(self):
        inputs = self._interpreter.inputs
        if "route" in inputs:
            raise UserError(
                f"{self._path} was exported with --variant=forced: it has the route as "
                f"an input and cannot choose it. Name the file of another variant, "
                f"such as model.tflite."
            )
        # The first run is slow, so it is done here. All inputs are 1. If T is an input,
        # it is 1 too, and all branches run.
        outputs = self._interpreter(**{name: x + 1 for name, x in inputs.items()})
        expected = {
            "image": (1, *self.input_format.shape),
            "probabilities": (1, len(self.input_format.class_names)),
        }
        tensors = {**inputs, **outputs}
        actual = {name: np.shape(tensors.get(name)) for name in expected}
        if actual != expected:
            raise UserError(
                f"{self._path} has the shapes {actual}, but {self._description} has "
                f"{expected}: they are of different networks. Export the network again "
                f"with `python -m export.tflite`."
            )
        scales = self._interpreter.scales
        if fault := description.fault(inputs, outputs, scales):
            raise UserError(
                f"{self._path} is not a network that `python -m export.tflite` "
                f"exported: {fault}. Name a file that it wrote."
            )

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
            with self._lock:
                self._interpreter.set(image=image, **more_inputs)
                start = time.perf_counter()
                self._interpreter.invoke()
                milliseconds[index] = 1e3 * (time.perf_counter() - start)
                outputs = self._interpreter.outputs()
            probabilities[index] = self._probabilities(outputs)
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
        scale, _ = self._interpreter.scales.get("image", (1.0, 0))
        # In files of other tools, another scale is that of normalised values.
        if self._interpreter.inputs["image"].dtype != "float32" and scale == 1:
            return images
        return self.input_format.normalize(images)

    def _probabilities(self, outputs):
        """Returns the probabilities of an image, `(classes,)`."""
        (probabilities,) = outputs["probabilities"]
        logits = outputs.get("logits")
        if "probabilities" not in self._interpreter.scales or logits is None:
            return probabilities
        # In 8 bits, those of several classes may be the same, such as 0.
        powers = np.exp(logits[0] - logits.max())
        return powers / powers.sum()

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
