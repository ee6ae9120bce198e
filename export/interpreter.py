"""Interpreter: runs one exported file in LiteRT, with inputs and outputs by name."""

import contextlib
import pathlib

import numpy as np
from ai_edge_litert import interpreter

from tfdyn.errors import UserError


@contextlib.contextmanager
def explain_errors(path: str | pathlib.Path):
    """Returns a context for loading the `.tflite` file `path`, which explains errors.

    Raises:
        UserError: If there is no such file, or LiteRT cannot load it.
    """
    if not pathlib.Path(path).is_file():
        raise UserError(
            f"There is no file {path}: make it with `python -m export.tflite`."
        )
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"{path} is truncated, or is not a .tflite file of `python -m "
            f"export.tflite` ({error}). Export it again."
        ) from error


class Interpreter:
    """Runs one `.tflite` file in LiteRT.

    ```python
    interpreter = Interpreter("runs/NAME/export/model.tflite")
    outputs = interpreter(image=image, threshold=0.7)
    ```

    Args:
        path: The file.
        num_threads: Number of CPU threads.

    Attributes:
        inputs: Mapping from the names of the inputs to arrays of zeros, each with the
            shape and type of its input.

    Raises:
        UserError: If there is no such file, if it is not an exported network, or if
            `num_threads` is below 1.
    """

    def __init__(self, path: str | pathlib.Path, num_threads: int = 1):
        if num_threads < 1:
            raise UserError(f"num_threads must be 1 or more; got {num_threads}.")
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

    def set(self, **inputs) -> None:
        """Sets inputs by name; an input that is left out keeps its value.

        Args:
            **inputs: Array of each input's shape; axes of size 1 may be left out.

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
            value = np.asarray(value, zeros.dtype).reshape(zeros.shape)
            self._interpreter.set_tensor(self._inputs[name], value)

    def invoke(self) -> None:
        """Runs the network once, on the inputs that were set last."""
        self._interpreter.invoke()

    def outputs(self) -> dict[str, np.ndarray]:
        """Returns a mapping from names to the output arrays of the last run."""
        get = self._interpreter.get_tensor
        return {name: get(index) for name, index in self._outputs.items()}

    def __call__(self, **inputs) -> dict[str, np.ndarray]:
        """Sets inputs, runs the network once and returns its outputs by name.

        Arguments and errors are those of `set`.
        """
        self.set(**inputs)
        self.invoke()
        return self.outputs()
