"""Interpreter: runs one exported file in LiteRT, with inputs and outputs by name."""

import contextlib
import pathlib

import numpy as np
from ai_edge_litert import interpreter

from tfdyn.errors import UserError
from tfdyn.reading import check_file

MOST_THREADS = 256
EIGHT_BITS = (np.int8, np.uint8)
# What LiteRT and numpy raise for a file that is damaged.
DAMAGE = (ValueError, RuntimeError, KeyError, IndexError, TypeError, MemoryError)


def check_exists(path: str | pathlib.Path) -> None:
    """Checks that there is a `.tflite` file.

    Args:
        path: The file.

    Raises:
        UserError: If there is none, or it is no ordinary file.
    """
    if not pathlib.Path(path).exists():
        raise UserError(
            f"There is no file {path}: make it with `python -m export.tflite`."
        )
    check_file(path)


@contextlib.contextmanager
def explain_errors(path: str | pathlib.Path):
    """Returns a context for loading the `.tflite` file `path`, which explains errors.

    Raises:
        UserError: If there is no such file, or LiteRT cannot load it.
        PermissionError: If this user may not read it.
    """
    check_exists(path)
    try:
        yield
    except DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path, error):
    return UserError(
        f"{path} is truncated, or is not a whole .tflite file of `python -m "
        f"export.tflite` ({error}). Export it again."
    )


def check_num_threads(num_threads: int) -> None:
    """Checks a number of CPU threads.

    Raises:
        UserError: If it is not a whole number from 1 to `MOST_THREADS`.
    """
    whole = isinstance(num_threads, int) and not isinstance(num_threads, bool)
    if not whole or not 1 <= num_threads <= MOST_THREADS:
        raise UserError(
            f"num_threads must be a whole number from 1 to {MOST_THREADS}; got "
            f"{num_threads!r}."
        )


class Interpreter:
    """Runs one `.tflite` file in LiteRT.

    ```python
    interpreter = Interpreter("runs/NAME/export/model.tflite")
    outputs = interpreter(image=image, threshold=0.7)
    ```

    Args:
        path: The file.
        num_threads: Number of CPU threads, from 1 to `MOST_THREADS`.

    Attributes:
        inputs: Mapping from the names of the inputs to arrays of zeros, each with the
            shape and type of its input.
        scales: Mapping from the names of the inputs and outputs of 8 bits that have a
            scale to pairs: the scale, and the zero point, the integer that means 0.

    Raises:
        UserError: If there is no such file, if it is not an exported network, or if
            `num_threads` is out of its range.
    """

    def __init__(self, path: str | pathlib.Path, num_threads: int = 1):
        check_num_threads(num_threads)
        self._path = path
        with explain_errors(path):
            self._interpreter = interpreter.Interpreter(
                str(path), num_threads=num_threads
            )
            self._interpreter.allocate_tensors()
            runner = self._interpreter.get_signature_runner()
            details = runner.get_input_details()
            self.inputs = {
                name: np.zeros(detail["shape"], detail["dtype"])
                for name, detail in details.items()
            }
            self._inputs = {name: detail["index"] for name, detail in details.items()}
            details = runner.get_output_details()
            self._outputs = {name: detail["index"] for name, detail in details.items()}
            self.scales = {
                name: detail["quantization"]
                for name, detail in (runner.get_input_details() | details).items()
                if detail["dtype"] in EIGHT_BITS and detail["quantization"][0]
            }

    def set(self, **inputs) -> None:
        """Sets inputs by name; an input that is left out keeps its value.

        Args:
            **inputs: Array of each input's shape; axes of size 1 may be left out. For
                an input that has a scale, numbers of another type are rounded to it.

        Raises:
            UserError: If the network has no input of a name.
            ValueError: If an array does not fit its input's shape.
        """
        for name, value in inputs.items():
            if name not in self.inputs:
                raise UserError(
                    f"The network's inputs are {', '.join(self.inputs)}; got {name}. "
                    f"Pass one of them."
                )
            zeros = self.inputs[name]
            value = self._round(name, value).reshape(zeros.shape)
            self._interpreter.set_tensor(self._inputs[name], value)

    def _round(self, name, value):
        """Returns a value in the type of an input."""
        dtype = self.inputs[name].dtype
        if name not in self.scales or getattr(value, "dtype", None) == dtype:
            return np.asarray(value, dtype)
        scale, zero_point = self.scales[name]
        limits = np.iinfo(dtype)
        rounded = np.round(np.asarray(value, "float32") / scale) + zero_point
        return np.clip(rounded, limits.min, limits.max).astype(dtype)

    def invoke(self) -> None:
        """Runs the network once, on the inputs that were set last.

        Raises:
            UserError: If the file is damaged.
        """
        try:
            self._interpreter.invoke()
        except DAMAGE as error:
            raise _damaged(self._path, error) from error

    def outputs(self) -> dict[str, np.ndarray]:
        """Returns a mapping from names to the output arrays of the last run.

        Outputs that have a scale are float32, the numbers that their 8 bits mean.
        """
        outputs = {}
        for name, index in self._outputs.items():
            outputs[name] = self._interpreter.get_tensor(index)
            if name in self.scales:
                scale, zero_point = self.scales[name]
                shifted = outputs[name].astype("float32") - zero_point
                outputs[name] = np.float32(scale) * shifted
        return outputs

    def __call__(self, **inputs) -> dict[str, np.ndarray]:
        """Sets inputs, runs the network once and returns its outputs by name.

        Arguments and errors are those of `set`.
        """
        self.set(**inputs)
        self.invoke()
        return self.outputs()
