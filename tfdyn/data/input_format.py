"""What a network reads: the shape of its pictures, their scale and their classes."""

import dataclasses
import json

import numpy as np

from tfdyn.errors import UserError
from tfdyn.files import write_json


@dataclasses.dataclass(frozen=True)
class InputFormat:
    """The pictures a network was trained on; travels with it as JSON.

    Attributes:
        class_names: The name of every class, by label.
        shape: `(height, width, channels)` of a picture.
        mean: Mean of every channel, of pixels scaled to 0..1.
        std: Standard deviation of every channel, of pixels scaled to 0..1.

    Raises:
        ValueError: Where the fields do not fit together.
    """

    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self):
        # JSON gives lists: a frozen value holds tuples, so that it can be compared.
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, tuple(getattr(self, field.name)))
        if len(self.class_names) < 2:
            raise UserError(
                f"class_names={self.class_names!r} holds {len(self.class_names)} "
                "name(s); give at least two classes."
            )
        if not all(isinstance(name, str) for name in self.class_names):
            raise UserError(f"class_names={self.class_names!r} must be strings.")
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
                raise UserError(f"{name}={values!r} must be numbers.")
        if min(self.std) <= 0:
            raise UserError(f"std={self.std!r} must be positive: it divides.")

    def normalize(self, images):
        """Scales pixels to zero mean and unit variance.

        Args:
            images: `(..., height, width, channels)`, uint8 or float, values 0..255;
                an array or a TensorFlow tensor.

        Returns:
            `(images / 255 - mean) / std` in float32, of the same shape and kind.
        """
        if hasattr(images, "astype"):
            images = images.astype("float32")
        else:
            # TensorFlow's tensors do not mix types. Whoever has one has imported it.
            import tensorflow as tf

            images = tf.cast(images, "float32")
        mean = np.asarray(self.mean, "float32")
        std = np.asarray(self.std, "float32")
        return (images / np.float32(255) - mean) / std

    def save(self, path):
        """Writes the format as JSON to `path`, whole or not at all."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote.

        Raises:
            OSError: `path` cannot be read.
            ValueError: `path` does not hold an input format.
        """
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{path} is no input format: {error} Expected a JSON object with "
                "class_names, shape, mean and std, as InputFormat.save writes."
            ) from error
