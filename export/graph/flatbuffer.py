"""Flatbuffer: the inside of a `.tflite` file, to name its tensors and to check it."""

import collections

from ai_edge_litert.tools import flatbuffer_utils

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
SCALES = ("MUL", "ADD", "SUB", "DIV")


def renamed(content):
    """Names the tensors of the signature as the signature does, and no others.

    The stock benchmark apps ask for inputs by the names of their tensors. Those in the
    gates are long and of no use: 8 % of a small file.

    Args:
        content: Bytes of a `.tflite` file with one signature.

    Returns:
        Bytes of a `.tflite` file.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    (signature,) = model.signatureDefs
    main, *gates = model.subgraphs
    for tensor in [tensor for gate in gates for tensor in gate.tensors]:
        tensor.name = None
    for entry in [*signature.inputs, *signature.outputs]:
        main.tensors[entry.tensorIndex].name = entry.name
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class Flatbuffer:
    """A `.tflite` file, read.

    Args:
        content: Its bytes.
    """

    def __init__(self, content):
        self._model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        self.subgraphs = self._model.subgraphs

    @property
    def operations(self):
        """How often each operation is there, in all subgraphs."""
        names = [self._name(op) for graph in self.subgraphs for op in graph.operators]
        return dict(sorted(collections.Counter(names).items()))

    def faults(self):
        """Returns what would make the file slow or need another runtime, as texts.

        Operations that are not built in; convolutions and dense layers whose weights
        are not constants (XNNPACK leaves those to slow kernels); batch norm that was
        not folded into the convolution before it.
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
                made_by = {
                    self._name(makers[i]) for i in operation.inputs if i in makers
                }
                vectors = [i for i in operation.inputs if self._is_vector(graph, i)]
                if vectors and made_by & set(CONVOLUTIONS[:2]):
                    yield f"{name} of batch norm that is not folded"

    def _constant(self, graph, index, makers):
        if index in makers:  # float16 weights are constants, made float32 at the start.
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
