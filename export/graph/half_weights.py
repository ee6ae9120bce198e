"""Weights of 16 bits, for what stays float in a file of int8: the routers."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from export.graph.flatbuffer import CONVOLUTIONS, index_of_code

LEAST = 256  # Smaller weights would make the file larger: each needs an operator.
VERSION = 3  # Of the operator DEQUANTIZE, the first that has float16.


def halve(content: bytes) -> bytes:
    """Stores the float32 weights of the main subgraph in float16.

    The runtime makes them float32 again when it loads the file, as with the precision
    "float16".

    Args:
        content: Bytes of a `.tflite` file.

    Returns:
        Bytes of a file whose outputs differ by the rounding of these weights.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    graph = model.subgraphs[0]
    halves = {}  # From a tensor to the operator that makes it float32 again.
    for operator in graph.operators:
        name = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        if name not in CONVOLUTIONS:
            continue
        weights = operator.inputs[1]
        if weights not in halves and _is_float(model, graph.tensors[weights]):
            halves[weights] = _dequantize(model, graph, weights)
        if weights in halves:
            operator.inputs[1] = halves[weights].outputs[0]
    graph.operators = [*halves.values(), *graph.operators]
    used = {tensor.buffer for each in model.subgraphs for tensor in each.tensors}
    for index, buffer in enumerate(model.buffers):
        buffer.data = buffer.data if index in used else None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _is_float(model, tensor):
    """Returns whether a tensor holds enough float32 constants."""
    constant = model.buffers[tensor.buffer].data is not None
    is_float = tensor.type == schema.TensorType.FLOAT32
    return constant and is_float and np.prod(tensor.shape) >= LEAST


def _dequantize(model, graph, weights):
    """Makes a tensor float16, and returns the operator that makes it float32."""
    tensor, whole = graph.tensors[weights], schema.TensorT()
    whole.shape, whole.type, whole.buffer = tensor.shape, tensor.type, 0
    whole.name = b""
    graph.tensors.append(whole)
    values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), "float32")
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.astype("float16").tobytes(), "uint8")
    model.buffers.append(buffer)
    tensor.type, tensor.buffer = schema.TensorType.FLOAT16, len(model.buffers) - 1
    operator = schema.OperatorT()
    operator.opcodeIndex = index_of_code(
        model, schema.BuiltinOperator.DEQUANTIZE, VERSION
    )
    operator.inputs, operator.outputs = [weights], [len(graph.tensors) - 1]
    return operator
