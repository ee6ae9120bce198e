"""InputFormat: shape and normalisation of the images that a network reads."""

import dataclasses
import math

import numpy as np

from tfdyn.errors import UserError
from tfdyn.files import write_json
from tfdyn.reading import read_json
from tfdyn.text import is_line

MEND = "Restore it, or make it again by the training command."


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
            value = getattr(self, field.name)
            if not isinstance(value, list | tuple):
                raise UserError(f"{field.name}={value!r} must be a list.")
            object.__setattr__(self, field.name, tuple(value))
        if len(self.class_names) < 2:
            raise UserError(
                f"class_names={self.class_names!r} holds {len(self.class_names)} "
                "name(s); expected at least two."
            )
        if not all(isinstance(name, str) for name in self.class_names):
            raise UserError(f"class_names={self.class_names!r} must hold strings.")
        for name in self.class_names:
            # Lists of names, such as labels.txt of an app, have a line for each class.
            if not is_line(name):
                raise UserError(
                    f"The class name {name!r} is blank, has a line break or is not "
                    f"UTF-8: rename the class."
                )
        if len(set(self.class_names)) < len(self.class_names):
            raise UserError(f"class_names={self.class_names!r} holds a name twice.")
        if len(self.shape) != 3 or not all(
            type(size) is int and size > 0 for size in self.shape
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
            if not all(
                isinstance(value, int | float) and math.isfinite(value)
                for value in values
            ):
                raise UserError(f"{name}={values!r} must hold finite numbers.")
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
        content = read_json(path, "the input format of a run", MEND)
        try:
            return cls(**content)
        except (TypeError, ValueError, OverflowError) as error:
            raise UserError(
                f"{path} does not hold an input format, as InputFormat.save writes it "
                f"(a JSON object with class_names, shape, mean and std): {error}"
            ) from error

    def difference(self, other: "InputFormat") -> str:
        """Returns in a few words how another format differs from this one.

        Args:
            other: `InputFormat`.

        Returns:
            Text for errors, empty if both are equal.
        """
        here, there = self.class_names, other.class_names
        if here != there:
            gone = [name for name in here if name not in there]
            new = [name for name in there if name not in here]
            texts = [f"{len(there)} classes instead of {len(here)}"]
            texts = texts if len(here) != len(there) else []
            texts += [f"without {_few(gone)}"] if gone else []
            texts += [f"with {_few(new)}"] if new else []
            return ", ".join(texts) or "the classes in another order"
        for name in ("shape", "mean", "std"):
            if getattr(self, name) != getattr(other, name):
                return f"{name} {getattr(other, name)} instead of {getattr(self, name)}"
        return ""


def _few(names):
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more
