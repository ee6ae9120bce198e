"""Int8 ReLU: in a form that the fast kernels of the runtime have.

XNNPACK has no ReLU of 8 bits that stands alone, and the kernel that runs instead is
slow: in a routed DMNN it took four fifths of the time. XNNPACK adds 0 and cuts off what
is negative at once.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from export.graph.flatbuffer import index_of_code

FUSED = {
    schema.BuiltinOperator.RELU: schema.ActivationFunctionType.RELU,
    schema.BuiltinOperator.RELU6: schema.ActivationFunctionType.RELU6,
}
VERSION = 2  # Of the operator ADD, the first that has int8.


def add_zero(content: bytes) -> bytes:
    """Replaces each ReLU and ReLU6 of int8 by the sum of its input and 0.

    Args:
        content: Bytes of a `.tflite` file.

    Returns:
        Bytes of a file with the same outputs.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    code = zero = None
    for graph in model.subgraphs:
        for operator in graph.operators:
            fused = FUSED.get(model.operatorCodes[operator.opcodeIndex].builtinCode)
            (source, *_) = operator.inputs if len(operator.inputs) else (None,)
            if fused is None or graph.tensors[source].type != schema.TensorType.INT8:
                continue
            if zero is None:
                code = index_of_code(model, schema.BuiltinOperator.ADD, VERSION)
                zero = _buffer(model)
            graph.tensors.append(_zero(zero, graph.tensors[source]))
            operator.opcodeIndex = code
            operator.inputs = [source, len(graph.tensors) - 1]
            operator.builtinOptionsType = schema.BuiltinOptions.AddOptions
            operator.builtinOptions = schema.AddOptionsT()
            operator.builtinOptions.fusedActivationFunction = fused
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _buffer(model):
    buffer = schema.BufferT()
    buffer.data = np.zeros(1, "uint8")
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _zero(buffer, like):
    """Returns a scalar of the scale of a tensor."""
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer = [], schema.TensorType.INT8, buffer
    tensor.name = b""
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = list(like.quantization.scale)
    tensor.quantization.zeroPoint = [0]
    return tensor
