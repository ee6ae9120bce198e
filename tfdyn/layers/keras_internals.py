"""The one door to Keras's private attributes, which Keras may change at any release.

No other file reads one. `tests/layers/test_keras_internals.py` pins down what each
function promises: if a new Keras breaks one, that test fails first.
"""

from typing import Any, NamedTuple

import keras
from keras.src.models.functional import Functional


class GraphNode(NamedTuple):
    """One call of an operation in a graph of symbolic tensors.

    Attributes:
        operation: The `keras.Operation` that was called: a layer, or an operation of
            `keras.ops`.
        args: Positional arguments of the call. Tensors are `keras.KerasTensor`;
            weights and plain values are as they were passed.
        kwargs: Keyword arguments of the call, likewise.
        outputs: List of the `keras.KerasTensor` that the call returned.
    """

    operation: keras.Operation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: list[keras.KerasTensor]


def sublayers(layer: keras.Layer) -> list[keras.Layer]:
    """Returns the layers that a layer holds directly, each once.

    Args:
        layer: The layer or model. It may hold layers in attributes, and in lists and
            dictionaries that are attributes.

    Returns:
        The layers in the order in which they were assigned, without `layer` itself and
        without the layers that they hold in turn.
    """
    return layer._flatten_layers(include_self=False, recursive=False)


def all_layers(layer: keras.Layer) -> list[keras.Layer]:
    """Returns a layer and all layers below it, at any depth, each once.

    Args:
        layer: The layer or model.

    Returns:
        `layer` itself, then the layers below it in no particular order.
    """
    return layer._flatten_layers()


def remove_sublayer(holder: keras.Layer, layer: keras.Layer) -> None:
    """Removes a layer, with its weights, from the layer that holds it directly.

    Args:
        holder: The layer or model. An attribute that is `layer` becomes `None`, and an
            attribute that is a list becomes shorter.
        layer: One of its `sublayers`.
    """
    for name, value in [*vars(holder).items()]:
        if value is layer:
            setattr(holder, name, None)
        elif isinstance(value, list) and any(item is layer for item in value):
            value.remove(layer)
    holder._tracker.untrack(layer)


def parameters(layer: keras.Layer) -> list[keras.Variable]:
    """Returns the weights that a layer and those below it learn, each once.

    Args:
        layer: The built layer or model. It may be frozen (`trainable=False`), which
            `layer.trainable_weights` would not tell from a weight that is never learnt.

    Returns:
        The weights in no particular order, without those such as the moving averages
        of batch norm.
    """
    weights = (w for each in all_layers(layer) for w in each._trainable_variables)
    return list({id(weight): weight for weight in weights}.values())


def graph_nodes(
    inputs: list[keras.KerasTensor], outputs: list[keras.KerasTensor]
) -> list[GraphNode]:
    """Returns the calls of operations that lead from inputs to outputs.

    Args:
        inputs: Symbolic tensors of any shape and type.
        outputs: Symbolic tensors that were computed from `inputs`.

    Returns:
        One node for every call, in no particular order. A call on which no output
        depends is left out, and so are the inputs.
    """
    depths = keras.Function(inputs, outputs)._nodes_by_depth
    return [
        GraphNode(
            node.operation, node.arguments.args, node.arguments.kwargs, node.outputs
        )
        for nodes in depths.values()
        for node in nodes
        if not node.is_input
    ]


def variable_index(
    optimizer: keras.optimizers.Optimizer, variable: keras.Variable
) -> int:
    """Returns the position of a weight in the lists of an optimizer's own variables.

    Args:
        optimizer: An optimizer that was built, with `optimizer.build(variables)`.
        variable: One of those `variables`.

    Returns:
        Its position in `variables`. Lists with one entry for each weight, such as
        `optimizer.momentums` of `keras.optimizers.SGD`, have the same order.
    """
    return optimizer._get_variable_index(variable)


def is_functional(model: keras.Model) -> bool:
    """Returns whether a model is a graph of layers, as `keras.Model(inputs, outputs)`.

    Args:
        model: Any object. A sequential model is no such graph.
    """
    return isinstance(model, Functional)
