"""Files for LiteRT that tests make: run on one input."""

import numpy as np
from ai_edge_litert import interpreter as litert

from tfdyn import output


def result(content: bytes, inputs: np.ndarray) -> np.ndarray:
    """Returns the only output of a `.tflite` file for its only input."""
    with output.quiet():
        interpreter = litert.Interpreter(model_content=content)
        interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
