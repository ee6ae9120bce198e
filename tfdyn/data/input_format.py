"""InputFormat: shape and normalisation of the images that a network reads."""

import dataclasses
import json

import numpy as np

from tfdyn.errors import UserError
from tfdyn.files import write_json


@dataclasses.dataclass(frozen=True)
class InputFormat:
    """Shape, normalisation and classes of the images that a network was trained on.

    Runs and exports keep it as a JSON file.

    Attributes:
        class_names: Tuple of strings, the names of the classes by label.
        shape: Tuple of integers `(height, width, channels)`, in pixels.
        mean: Tuple of floats, the mean of each channel, with pixels scaled to 0..1.
        std: Tuple of floats, the standard deviation of each channel, with pixels
            scaled to 0..1.

    Raises:
        UserError: If a field has a wrong type, or the fields do not fit together.
    """

    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self):
        # JSON files hold lists. Equal formats must compare equal, so all are tuples.
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, tuple(getattr(self, field.name)))
        if len(self.class_names) < 2:
            raise UserError(
                f"class_names={self.class_names!r} holds {len(self.class_names)} "
                "name(s); expected at least two."
            )
        if not all(isinstance(name, str) for name in self.class_names):
            raise UserError(f"class_names={self.class_names!r} must hold strings.")
        if len(self.shape) != 3 or not all(
            isinstance(size, int) and size > 0 for size in self.shape
        ):
            raise UserError(
                f"shape={self.shape!r} must be three positive integers, "
                "(height, width, channels)."
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.shape[-1]:
                raise UserError(
                    f"{name}={values!r} must hold one number for each of the "
                    f"{self.shape[-1]} channel(s) of shape={self.shape!r}."
                )
            if not all(isinstance(value, int | float) for value in values):
                raise UserError(f"{name}={values!r} must hold numbers.")
        if min(self.std) <= 0:
            raise UserError(f"std={self.std!r} must hold numbers above 0.")

    def normalize(self, images):
        """Scales pixels to zero mean and unit variance.

        Args:
            images: NumPy array or TensorFlow tensor `(..., height, width, channels)`,
                uint8 or float, with values 0..255.

        Returns:
            `(images / 255 - mean) / std`: float32 array or tensor of the same shape.
        """
        if hasattr(images, "astype"):
            images = images.astype("float32")
        else:
            # TensorFlow is optional here: only a caller with a tensor needs it.
            import tensorflow as tf

            images = tf.cast(images, "float32")
        mean = np.asarray(self.mean, "float32")
        std = np.asarray(self.std, "float32")
        return (images / np.float32(255) - mean) / std

    def save(self, path) -> None:
        """Writes the format to a JSON file, whole or not at all.

        Args:
            path: Path of the file.
        """
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path) -> "InputFormat":
        """Reads a file that `save` wrote.

        Args:
            path: Path of the file.

        Raises:
            OSError: If the file cannot be read.
            UserError: If the file does not hold an input format.
        """
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{path} does not hold an input format, as InputFormat.save writes it "
                f"(a JSON object with class_names, shape, mean and std): {error}"
            ) from error
