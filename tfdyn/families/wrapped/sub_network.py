"""SubNetwork: a part of a Keras model's graph, as one layer."""

import keras
from keras import layers

from tfdyn.families.wrapped.graph import IMAGE, inputs_of, make_operation
from tfdyn.layers import quantization
from tfdyn.layers.chain import FUSED, FUSING, SAME_SCALE

FUSED_ACTIVATIONS = ("relu", "relu6")
# Further layers whose output keeps the scale of their input in 8 bits.
KEEP_SCALE = (*SAME_SCALE, layers.Flatten, layers.ZeroPadding2D, layers.Dropout)


@keras.saving.register_keras_serializable("tfdyn")
class SubNetwork(keras.layers.Layer):
    """Runs nodes of a graph (`tfdyn.families.wrapped.graph`), from one tensor to one.

    Args:
        nodes: List of nodes, at least one. They read each other's outputs, and one
            tensor that none of them computes: the input. The output of the last one is
            the layer's.
        kind: Kind of the layer as a module (`tfdyn.layers.modules.KINDS`), or `None` if
            it is a branch.

    Input: tensor of the shape that the layer was built with.
    Output: tensor.
    """

    def __init__(self, nodes, kind=None, **kwargs):
        super().__init__(**kwargs)
        self.nodes, self.kind = nodes, kind
        self.operations = [make_operation(node) for node in nodes]
        names = {node["name"] for node in nodes}
        read = [name for node in nodes for name in inputs_of(node)]
        self.entry = next(name for name in read if name not in names)
        self._ends = [self._ends_group(index) for index in range(len(nodes))]
        self._output_shape = None

    def build(self, input_shape):
        # Layers build themselves when they are called with symbolic tensors.
        outputs = self._run(keras.KerasTensor(input_shape, self.compute_dtype))
        self._output_shape = tuple(outputs.shape)

    def call(self, inputs):
        return self._run(inputs)

    def _run(self, inputs):
        def point(outputs, index):
            if not self._ends[index]:
                return outputs
            return quantization.point(outputs, self, self.nodes[index]["name"])

        if self.entry == IMAGE:
            inputs = quantization.point(inputs, self, IMAGE)
        return run_nodes(self.nodes, self.operations, {self.entry: inputs}, point)

    def _ends_group(self, index):
        """Returns whether a node's output has a scale of its own in 8 bits."""
        operation, name = self.operations[index], self.nodes[index]["name"]
        if isinstance(operation, KEEP_SCALE):
            return False
        readers = [
            reader
            for node, reader in zip(self.nodes, self.operations, strict=True)
            if name in inputs_of(node)
        ]
        fused = [_is_fused(reader) for reader in readers]
        return not (isinstance(operation, FUSING) and fused == [True])

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._output_shape[1:])

    def get_config(self):
        return {**super().get_config(), "nodes": self.nodes, "kind": self.kind}


def run_nodes(nodes, operations, tensors, point=lambda outputs, index: outputs):
    """Calls the operations of nodes, one after the other.

    Args:
        nodes: List of nodes, each behind those whose outputs it reads.
        operations: List of the operation of each node.
        tensors: Dict from names to the tensors that come from elsewhere. The output of
            each node is added to it.
        point: Function of a node's output and its index that returns what takes its
            place.

    Returns:
        The output of the last node.
    """
    for index, (node, operation) in enumerate(zip(nodes, operations, strict=True)):
        args = [_with_tensors(value, tensors) for value in node["args"]]
        kwargs = {k: _with_tensors(v, tensors) for k, v in node["kwargs"].items()}
        outputs = point(operation(*args, **kwargs), index)
        tensors[node["name"]] = outputs
    return outputs


def _is_fused(operation):
    if isinstance(operation, layers.Activation):
        return operation.get_config()["activation"] in FUSED_ACTIVATIONS
    return isinstance(operation, FUSED)


def _with_tensors(value, tensors):
    """Returns an argument of a node with tensors in place of their names."""
    if isinstance(value, dict):
        if set(value) == {"tensor"}:
            return tensors[value["tensor"]]
        return keras.saving.deserialize_keras_object(value)
    if isinstance(value, list):
        return [_with_tensors(item, tensors) for item in value]
    return value
