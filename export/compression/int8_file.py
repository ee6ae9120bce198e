"""Int8 file: a model of tf_keras as a `.tflite` file whose every operation is int8.

Only `export.compression.worker` imports this file.
"""

import numpy as np
import tensorflow as tf
import tf_keras
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from export.graph.flatbuffer import rename_tensors
from export.graph.int8_relu import add_zero


def convert(
    model: tf_keras.Model,
    images: np.ndarray | None,
    constants: dict[str, np.ndarray],
    int8_io: bool,
) -> bytes:
    """Converts a model to full integer.

    Args:
        model: Model that returns logits and probabilities.
        images: float32 images `(n, height, width, channels)`, pixels from 0 to 255, to
            observe the ranges of activations on. `None` for a model that was quantized.
        constants: Mapping from names to further outputs, which are constants.
        int8_io: Whether the image and the two outputs are int8. Otherwise the image is
            uint8, and the outputs float32.

    Returns:
        Bytes of a `.tflite` file.
    """

    @tf.function(autograph=False)
    def serve(image):
        logits, probabilities = model(image, training=False)
        return {"logits": logits, "probabilities": probabilities}

    shape = (1, *model.input.shape[1:])
    function = serve.get_concrete_function(tf.TensorSpec(shape, name="image"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.int8 if int8_io else tf.uint8
    converter.inference_output_type = tf.int8 if int8_io else tf.float32
    if images is not None:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: _samples(images)
    content = add_zero(converter.convert())
    return rename_tensors(_with_constants(content, constants))


def _samples(images):
    images = images.copy()
    # The range of the image must be all pixels, for a scale of 1.
    images[0, 0, 0], images[0, -1, -1] = 0.0, 255.0
    for image in images:
        yield [image[None]]


def _with_constants(content, constants):
    """Adds outputs that are constants of float32 to a file."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    (graph,), (signature,) = model.subgraphs, model.signatureDefs
    outputs = list(graph.outputs)
    for name, value in constants.items():
        buffer, tensor = schema.BufferT(), schema.TensorT()
        buffer.data = np.frombuffer(np.asarray(value, "<f4").tobytes(), "uint8")
        model.buffers.append(buffer)
        tensor.buffer, tensor.name = len(model.buffers) - 1, name.encode()
        tensor.shape, tensor.type = list(value.shape), schema.TensorType.FLOAT32
        graph.tensors.append(tensor)
        outputs.append(len(graph.tensors) - 1)
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), outputs[-1]
        signature.outputs.append(entry)
    graph.outputs = np.array(outputs, "int32")
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
