"""Flatbuffer: names the tensors of a `.tflite` file, and checks its operations."""

import collections
import math

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

TYPES = {v: k for k, v in vars(schema.TensorType).items() if k.isupper()}
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
SCALES = ("MUL", "ADD", "SUB", "DIV")


def rename_tensors(content: bytes) -> bytes:
    """Names inputs and outputs as in the signature; removes the names inside gates.

    TFLite's stock benchmark finds inputs by the names of their tensors. The names of
    the tensors inside gates are not used, and take 8 % of a small file.

    Args:
        content: Bytes of a `.tflite` file with one signature.

    Returns:
        Bytes of the same file with other names.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    (signature,) = model.signatureDefs
    main, *gates = model.subgraphs
    for tensor in [tensor for gate in gates for tensor in gate.tensors]:
        tensor.name = None
    for entry in [*signature.inputs, *signature.outputs]:
        main.tensors[entry.tensorIndex].name = entry.name
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def index_of_code(model, operator: int, version: int) -> int:
    """Returns the index of the code of an operator; adds the code if it is missing.

    Args:
        model: `schema.ModelT`.
        operator: One of `schema.BuiltinOperator`.
        version: The least version of the operator.
    """
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == operator and code.version >= version:
            return index
    code = schema.OperatorCodeT()
    # The first field is for old runtimes, and has 7 bits.
    code.deprecatedBuiltinCode, code.builtinCode = min(operator, 127), operator
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


class Flatbuffer:
    """Reads a `.tflite` file.

    Args:
        content: Bytes of the file.

    Attributes:
        subgraphs: List of its subgraphs: the main one, then those of the gates.
    """

    def __init__(self, content: bytes):
        self._model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        self.subgraphs = self._model.subgraphs

    @property
    def operations(self) -> dict[str, int]:
        """Mapping from names of operations to how often they occur in the file."""
        names = [self._name(op) for graph in self.subgraphs for op in graph.operators]
        return dict(sorted(collections.Counter(names).items()))

    def convolutions(self) -> list[tuple[int, int, str, str]]:
        """Lists the convolutions of the file.

        Returns:
            List of `(subgraph, size, weights, inputs)`: the index of the subgraph, the
            number of weights, their type, and the type of what is convolved, such as
            "INT8".
        """
        convolutions = []
        for index, graph in enumerate(self.subgraphs):
            makers = {o: op for op in graph.operators for o in op.outputs}
            for operation in graph.operators:
                if self._name(operation) in CONVOLUTIONS[:2]:
                    inputs, weights = operation.inputs[:2]
                    if weights in makers:  # Of float16.
                        weights = makers[weights].inputs[0]
                    weights, inputs = graph.tensors[weights], graph.tensors[inputs]
                    size = math.prod(weights.shape)
                    convolutions.append((index, size, _type(weights), _type(inputs)))
        return convolutions

    def scales_by_default(self) -> int:
        """Returns the number of tensors of 8 bits without a scale of their own."""
        tensors = [tensor for graph in self.subgraphs for tensor in graph.tensors]
        scales = [
            tensor.quantization and tensor.quantization.scale
            for tensor in tensors
            if _type(tensor) == "INT8"
        ]
        return sum(s is None or not len(s) or not min(s) > 0 for s in scales)

    def faults(self) -> list[str]:
        """Lists what would make the file slow, or keep the stock runtime from it.

        A fault is an operation that is not built in, a convolution or dense layer whose
        weights are not constants (XNNPACK leaves those to slow kernels), or batch
        normalisation that was not folded into the convolution before it.

        Returns:
            List of texts, empty if there are no faults.
        """
        faults = []
        for operation in self.operations:
            if operation.startswith(("CUSTOM", "Flex")):
                faults.append(f"{operation} is not built into the runtime")
        for index, graph in enumerate(self.subgraphs):
            faults += [f"{text} in subgraph {index}" for text in self._faults(graph)]
        return faults

    def _faults(self, graph):
        makers = {o: op for op in graph.operators for o in op.outputs}
        for operation in graph.operators:
            name = self._name(operation)
            if name in CONVOLUTIONS:
                if not self._constant(graph, operation.inputs[1], makers):
                    yield f"{name} whose weights are not constants"
            elif name in SCALES:
                sources = {
                    self._name(makers[i]) for i in operation.inputs if i in makers
                }
                vectors = [i for i in operation.inputs if self._is_vector(graph, i)]
                if vectors and sources & set(CONVOLUTIONS[:2]):
                    yield f"{name} of batch norm that is not folded"

    def _constant(self, graph, index, makers):
        if index in makers:  # float16 weights are constants, dequantized when loaded.
            maker = makers[index]
            dequantized = self._name(maker) == "DEQUANTIZE"
            return dequantized and self._constant(graph, maker.inputs[0], makers)
        return self._model.buffers[graph.tensors[index].buffer].data is not None

    def _is_vector(self, graph, index):
        tensor = graph.tensors[index]
        constant = self._model.buffers[tensor.buffer].data is not None
        return constant and len(tensor.shape) > 0 and tensor.shape[-1] > 1

    def _name(self, operation):
        code = self._model.operatorCodes[operation.opcodeIndex]
        if code.customCode:
            return f"CUSTOM {code.customCode.decode()}"
        return flatbuffer_utils.opcode_to_name(self._model, operation.opcodeIndex)


def _type(tensor):
    return TYPES[tensor.type]
