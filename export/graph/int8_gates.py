"""Int8 gates: lets activations of 8 bits pass through gates as they are.

The converter makes all inputs and outputs of a gate float32: it rounds an activation,
makes it float in front of the gate, and rounds it to the same scale inside.
"""

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils


def pass_int8(content: bytes) -> bytes:
    """Removes the conversions between int8 and float32 at gates.

    An input that a gate only rounds becomes int8, of the scale inside. The output does
    too, if the gate makes it from int8 and otherwise passes on such an input.

    Args:
        content: Bytes of a `.tflite` file whose gates are all in its main subgraph.

    Returns:
        Bytes of a file with the same outputs.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    names = [
        flatbuffer_utils.opcode_to_name(model, index)
        for index in range(len(model.operatorCodes))
    ]
    if "IF" in names and "QUANTIZE" in names and "DEQUANTIZE" in names:
        codes = (names.index(name) for name in ("IF", "QUANTIZE", "DEQUANTIZE"))
        _Gates(model, *codes).convert()
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class _Gates:
    """Converts the gates of a model, from the first to the last.

    Args:
        model: `schema.ModelT`.
        gate, quantize, dequantize: Indices of the codes of these operators.
    """

    def __init__(self, model, gate, quantize, dequantize):
        self._model, self._main = model, model.subgraphs[0]
        self._gate, self._quantize, self._dequantize = gate, quantize, dequantize
        # The int8 tensor of the main subgraph that each float tensor is made from.
        self._sources = {}

    def convert(self):
        operators, self._main.operators = self._main.operators, []
        for operator in operators:
            before = after = ()
            if operator.opcodeIndex == self._gate:
                before, after = self._convert(operator)
            elif operator.opcodeIndex == self._dequantize:
                self._sources[operator.outputs[0]] = operator.inputs[0]
            elif operator.opcodeIndex == self._quantize:
                (result,) = operator.outputs
                source = self._sources.get(operator.inputs[0])
                if source is not None and self._same_scale(
                    source, self._tensor(result)
                ):
                    _replace(operators, result, source)
            self._main.operators += [*before, operator, *after]
        for graph in self._model.subgraphs:
            self._remove_unused(graph)

    def _convert(self, gate):
        """Converts a gate, and returns the operators before it and after it."""
        options = gate.builtinOptions
        then_graph = self._model.subgraphs[options.thenSubgraphIndex]
        else_graph = self._model.subgraphs[options.elseSubgraphIndex]
        before = []
        for place, index in enumerate(then_graph.inputs):
            inside = self._only_scale(then_graph, index)
            if inside is None:
                continue
            passed = else_graph.inputs[place] in else_graph.outputs
            result = self._made_from(then_graph, then_graph.outputs[0])
            if passed and not (
                result is not None and _equal(then_graph.tensors[result], inside)
            ):
                continue
            gate.inputs[place + 1] = self._rounded(
                gate.inputs[place + 1], inside, before
            )
            for graph in (then_graph, else_graph):
                _make_int8(graph.tensors[graph.inputs[place]], inside)
            for operator in [
                each for each in then_graph.operators if index in each.inputs
            ]:
                _replace(then_graph.operators, operator.outputs[0], index)
            if passed:
                then_graph.outputs[0] = result
                return before, [self._float_again(gate, inside)]
        return before, []

    def _only_scale(self, graph, index):
        """Returns a tensor with the scale that a subgraph rounds an input to, if any.

        It is `None` if the subgraph does anything else with the input.
        """
        users = [each for each in graph.operators if index in each.inputs]
        rounded = [graph.tensors[each.outputs[0]] for each in users]
        only = users and index not in graph.outputs
        if not only or any(each.opcodeIndex != self._quantize for each in users):
            return None
        return rounded[0] if all(_equal(rounded[0], each) for each in rounded) else None

    def _made_from(self, graph, index):
        """Returns the int8 tensor that a float tensor is made from, or `None`."""
        for operator in graph.operators:
            if index in operator.outputs and operator.opcodeIndex == self._dequantize:
                return operator.inputs[0]
        return None

    def _rounded(self, index, like, before):
        """Returns the int8 tensor of a float tensor; appends what makes it."""
        source = self._sources.get(index, index)
        if source != index and self._same_scale(source, like):
            return source
        rounded = self._new_tensor(self._tensor(index).shape, like)
        before.append(_operator(self._quantize, source, rounded))
        return rounded

    def _float_again(self, gate, like):
        """Makes the output of a gate int8; returns what makes it float after it."""
        (output,) = gate.outputs
        rounded = self._new_tensor(self._tensor(output).shape, like)
        gate.outputs = [rounded]
        self._sources[output] = rounded
        return _operator(self._dequantize, rounded, output)

    def _new_tensor(self, shape, like):
        tensor = schema.TensorT()
        tensor.shape, tensor.buffer = shape, 0
        _make_int8(tensor, like)
        self._main.tensors.append(tensor)
        return len(self._main.tensors) - 1

    def _tensor(self, index):
        return self._main.tensors[index]

    def _same_scale(self, index, like):
        return _equal(self._tensor(index), like)

    def _remove_unused(self, graph):
        """Removes conversions whose outputs nobody reads."""
        conversions, count = (self._quantize, self._dequantize), None
        while count != len(graph.operators):
            count = len(graph.operators)
            used = {index for each in graph.operators for index in each.inputs}
            used |= set(graph.outputs)
            graph.operators = [
                each
                for each in graph.operators
                if each.opcodeIndex not in conversions or each.outputs[0] in used
            ]


def _operator(code, source, result):
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, [source], [result]
    return operator


def _make_int8(tensor, like):
    tensor.type, tensor.quantization = like.type, like.quantization


def _replace(operators, old, new):
    """Makes operators read one tensor instead of another."""
    for operator in operators:
        operator.inputs = [new if index == old else index for index in operator.inputs]


def _equal(tensor, other):
    """Returns whether the same 8 bits mean the same number in two tensors."""
    a, b = tensor.quantization, other.quantization
    return list(a.scale) == list(b.scale) and list(a.zeroPoint) == list(b.zeroPoint)
