"""Files for LiteRT that tests make: one of a sum, and any run on one input."""

import numpy as np
import tensorflow as tf
from ai_edge_litert import interpreter as litert

from export.graph.convert import convert
from tfdyn import output


def sum_file(folder):
    """Writes a file that computes `sum`, of an image and a threshold.

    Args:
        folder: `Path` of the folder that gets it.

    Returns:
        Its `Path`. The image is uint8 `(1, 2, 2, 1)`, the threshold a float32.
    """

    @tf.function
    def serve(image, threshold):
        return {"sum": tf.cast(image, tf.float32) + threshold}

    image = tf.TensorSpec((1, 2, 2, 1), tf.uint8, "image")
    threshold = tf.TensorSpec((), tf.float32, "threshold")
    path = folder / "sum.tflite"
    path.write_bytes(convert(serve.get_concrete_function(image, threshold)))
    return path


def result(content: bytes, inputs: np.ndarray) -> np.ndarray:
    """Returns the only output of a `.tflite` file for its only input."""
    with output.quiet():
        interpreter = litert.Interpreter(model_content=content)
        interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
