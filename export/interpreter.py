"""Interpreter: one exported file in LiteRT, by the names of its signature."""

import pathlib

import numpy as np
from ai_edge_litert import interpreter

from tfdyn.errors import UserError


class Interpreter:
    """One `.tflite` file in LiteRT.

    ```python
    interpreter = Interpreter("runs/NAME/export/model.tflite")
    outputs = interpreter(image=image, threshold=0.7)
    ```

    Args:
        path: The file.
        num_threads: Threads of the CPU that it may use.

    Attributes:
        inputs: Mapping from the names of inputs to arrays of zeros like them.

    Raises:
        ValueError: If the file cannot be read, or is not an exported network.
    """

    def __init__(self, path, num_threads=1):
        if num_threads < 1:
            raise UserError(f"num_threads is 1 or more; got {num_threads}.")
        if not pathlib.Path(path).is_file():
            raise UserError(
                f"There is no file {path}: make it by `python -m export.tflite`."
            )
        try:
            self._interpreter = interpreter.Interpreter(
                str(path), num_threads=num_threads
            )
            self._interpreter.allocate_tensors()
            runner = self._interpreter.get_signature_runner()
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"{path} is truncated or not a .tflite file of `python -m "
                f"export.tflite` ({error})."
            ) from error
        details = runner.get_input_details()
        self.inputs = {
            name: np.zeros(detail["shape"], detail["dtype"])
            for name, detail in details.items()
        }
        self._inputs = {name: detail["index"] for name, detail in details.items()}
        details = runner.get_output_details()
        self._outputs = {name: detail["index"] for name, detail in details.items()}

    def set(self, **inputs):
        """Sets inputs, whose axes of size 1 may be left out."""
        for name, value in inputs.items():
            if name not in self.inputs:
                raise UserError(
                    f"The network has the inputs {', '.join(self.inputs)}; got {name}."
                )
            zeros = self.inputs[name]
            value = np.asarray(value, zeros.dtype).reshape(zeros.shape)
            self._interpreter.set_tensor(self._inputs[name], value)

    def invoke(self):
        """Runs the network once, on the inputs that were set last."""
        self._interpreter.invoke()

    def outputs(self):
        """Returns the outputs of the last run by name."""
        get = self._interpreter.get_tensor
        return {name: get(index) for name, index in self._outputs.items()}

    def __call__(self, **inputs):
        """Sets inputs, runs the network once and returns its outputs by name."""
        self.set(**inputs)
        self.invoke()
        return self.outputs()
