"""Int8 inputs and outputs: what a file takes and returns in 8 bits, with its scale."""

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from export.graph.flatbuffer import index_of_code

# Scale and zero point of the tensors that `--int8_io` makes int8. An image is its
# pixels, 0..255, less 128. The logits keep the scale of the calibration.
SCALES = {
    "image": (1.0, -128),
    "logits": None,
    "probabilities": (1 / 256, -128),
}
# Of the operators, the first that have int8.
VERSIONS = {"QUANTIZE": 1, "DEQUANTIZE": 2}


def narrow(content: bytes, scales: dict[str, tuple[float, int] | None]) -> bytes:
    """Makes inputs and outputs of a file int8.

    A conversion to int8 behind an input, or to float32 before an output, is left out:
    its scale becomes that of the input or output. If there is none, one is added.

    Args:
        content: Bytes of a `.tflite` file with one signature.
        scales: Mapping from names of inputs and outputs to their scale and zero point.
            With `None`, one that is not converted inside stays float32.

    Returns:
        Bytes of a file that computes the same.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    (signature,) = model.signatureDefs
    main = _Main(model)
    for entries, make in (
        (signature.inputs, main.narrow_input),
        (signature.outputs, main.narrow_output),
    ):
        for entry in entries:
            name = entry.name.decode()
            if name in scales:
                entry.tensorIndex = make(entry.tensorIndex, scales[name])
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class _Main:
    """Changes the main subgraph of a model.

    Args:
        model: `schema.ModelT`.
    """

    def __init__(self, model):
        self._model, self._graph = model, model.subgraphs[0]

    def narrow_input(self, index, scale):
        """Makes an input int8, and returns the index of its tensor."""
        graph = self._graph
        users = [each for each in graph.operators if index in each.inputs]
        results = [each.outputs[0] for each in users if self._is(each, "QUANTIZE")]
        inside = {_parameters(graph.tensors[result]) for result in results}
        only = len(results) == len(users) and len(inside) == 1
        if only and scale in (None, *inside):
            _make_int8(graph.tensors[index], graph.tensors[results[0]].quantization)
            graph.operators = [each for each in graph.operators if each not in users]
            for operator in graph.operators:
                operator.inputs = [
                    index if each in results else each for each in operator.inputs
                ]
            return index
        if scale is None:
            return index
        rounded = self._new_tensor(index, scale)
        graph.operators.insert(0, self._operator("DEQUANTIZE", rounded, index))
        graph.inputs = [rounded if each == index else each for each in graph.inputs]
        return rounded

    def narrow_output(self, index, scale):
        """Makes an output int8, and returns the index of its tensor."""
        graph = self._graph
        (maker,) = [each for each in graph.operators if index in each.outputs] or [None]
        if maker is not None and self._is(maker, "DEQUANTIZE"):
            (rounded,) = maker.inputs
            graph.tensors[index].name = b""
            # Others may read the float32.
            if not any(index in each.inputs for each in graph.operators):
                graph.operators.remove(maker)
        elif scale is None:
            return index
        else:
            rounded = self._new_tensor(index, scale)
            graph.operators.append(self._operator("QUANTIZE", index, rounded))
        graph.outputs = [rounded if each == index else each for each in graph.outputs]
        return rounded

    def _is(self, operator, name):
        index = operator.opcodeIndex
        return flatbuffer_utils.opcode_to_name(self._model, index) == name

    def _new_tensor(self, index, scale):
        """Adds an int8 tensor of the shape of a tensor, which loses its name."""
        like, tensor = self._graph.tensors[index], schema.TensorT()
        tensor.shape, tensor.buffer, tensor.name, like.name = like.shape, 0, b"", b""
        quantization = schema.QuantizationParametersT()
        quantization.scale, quantization.zeroPoint = [scale[0]], [scale[1]]
        _make_int8(tensor, quantization)
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _operator(self, name, source, result):
        operator = schema.OperatorT()
        code = getattr(schema.BuiltinOperator, name)
        operator.opcodeIndex = index_of_code(self._model, code, VERSIONS[name])
        operator.inputs, operator.outputs = [source], [result]
        return operator


def _make_int8(tensor, quantization):
    tensor.type, tensor.quantization = schema.TensorType.INT8, quantization


def _parameters(tensor):
    """Returns scale and zero point of a tensor, if its type is int8."""
    if tensor.type != schema.TensorType.INT8:
        return None
    quantization = tensor.quantization
    return float(quantization.scale[0]), int(quantization.zeroPoint[0])
