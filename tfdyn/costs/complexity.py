"""Complexity: parameters and multiply-accumulates (MACs) of any Keras layer.

A layer is called on symbolic tensors, and so are the layers that it calls, down to the
operations of `keras.ops`; the MACs of these are summed. So a new branch is counted
without a method that counts it.
"""

import math

import keras

from tfdyn.errors import UserError
from tfdyn.layers.keras_internals import graph_nodes

CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


def params(layer: keras.Layer) -> int:
    """Returns the number of trainable parameters of a built layer."""
    return sum(math.prod(weight.shape) for weight in layer.trainable_weights)


def macs(layer: keras.Layer, shape: tuple | list[tuple] | None = None) -> int:
    """Returns the multiply-accumulates (MACs) of a built layer for one image.

    Counted as in DRNet and ISBNet: convolutions and matrix products by their MACs,
    pooling by the size of its window for each output element (9 for 3x3), batch norm
    by 1 for each element, everything else (global pooling, activations, sums) by 0.

    Args:
        layer: A built layer.
        shape: Shape of its input with the batch axis, of any size; a list of shapes for
            a layer that takes a list of inputs. By default the shape that the layer
            was built with.

    Returns:
        The number of MACs.

    Raises:
        UserError: If the layer performs an operation that has weights and that no rule
            in `RULES` counts.
    """
    shape = of_one_example(shape or input_shape(layer))
    if isinstance(shape, list):
        return _count(layer, [keras.KerasTensor(each, "float32") for each in shape])
    return _count(layer, keras.KerasTensor(shape, "float32"))


def of_one_example(shape: tuple | list[tuple]) -> tuple | list[tuple]:
    """Returns a shape, or each of a list of shapes, with a batch axis of 1."""
    if isinstance(shape[0], (list, tuple)):
        return [of_one_example(each) for each in shape]
    return (1, *shape[1:])


def input_shape(layer: keras.Layer) -> tuple | list[tuple]:
    """Returns the input shape, or the list of shapes, that a layer was built with."""
    # A functional model is built without a call of `build`: its shape is an attribute.
    return (layer.get_build_config() or {}).get("input_shape") or layer.input_shape


def _count(layer, *args, **kwargs):
    """Returns the MACs of a call of a layer with symbolic tensors of batch 1."""
    if isinstance(layer, CONVOLUTIONS) and layer.groups > 1:
        # Keras refuses a grouped convolution of symbolic tensors.
        output_shape = layer.compute_output_shape(args[0].shape)
        return RULES["Conv"](layer, (None, layer.kernel.shape), output_shape)
    inputs = [x for x in keras.tree.flatten((args, kwargs)) if _is_symbolic(x)]
    outputs = keras.tree.flatten(layer.call(*args, **kwargs))
    if all(any(output is x for x in inputs) for output in outputs):
        return 0
    total = 0
    for node in graph_nodes(inputs, outputs):
        if isinstance(node.operation, keras.Layer):
            args = keras.tree.map_structure(_detached, node.args)
            kwargs = keras.tree.map_structure(_detached, node.kwargs)
            total += _count(node.operation, *args, **kwargs)
        else:
            shape = node.outputs[0].shape
            total += _operation_macs(node.operation, node.args, shape)
    return total


def _operation_macs(operation, arguments, output_shape):
    """Returns the MACs of an operation of `keras.ops`, by its rule in `RULES`."""
    rule = RULES.get(type(operation).__name__)
    if rule is not None:
        shapes = [getattr(argument, "shape", None) for argument in arguments]
        return rule(operation, shapes, output_shape)
    weights = [a for a in arguments if getattr(a, "trainable", False)]
    if any(len(weight.shape) > 1 for weight in weights):
        raise UserError(
            f"No rule counts the MACs of the operation {type(operation).__name__}, "
            f"which has weights; known are {', '.join(RULES)}. Add a rule to "
            f"{__name__}.RULES."
        )
    return 0


def _separable(_, shapes, output):
    _, depthwise, pointwise = shapes
    positions = math.prod(output[:-1])
    return positions * (math.prod(depthwise) + math.prod(pointwise))


def _einsum(operation, shapes, output):
    inputs = operation.subscripts.replace(" ", "").split("->")[0].split(",")
    if "." in operation.subscripts:
        raise UserError(
            f"No rule counts the MACs of einsum {operation.subscripts!r}: write its "
            f"axes out instead of an ellipsis."
        )
    sizes = {}
    for labels, shape in zip(inputs, shapes, strict=False):
        sizes.update(zip(labels, shape, strict=True))
    return math.prod(sizes.values())


def _pooling(operation, shapes, output):
    size = operation.pool_size
    window = size ** (len(output) - 2) if isinstance(size, int) else math.prod(size)
    return math.prod(output) * window if window > 1 else 0  # 1 is a choice of rows


# Class name of an operation of `keras.ops`: function that returns its MACs. It is
# called with the operation, a list of the shapes of its arguments (`None` for what is
# no tensor) and the shape of its output, all with a batch axis of 1.
RULES = {
    "Conv": lambda _, shapes, output: math.prod(output) * math.prod(shapes[1][:-1]),
    "DepthwiseConv": lambda _, shapes, output: (
        math.prod(output) * math.prod(shapes[1][:-2])
    ),
    "SeparableConv": _separable,
    "ConvTranspose": lambda _, shapes, output: (
        math.prod(shapes[0]) * math.prod(shapes[1][:-1])
    ),
    "Matmul": lambda _, shapes, output: math.prod(output) * shapes[0][-1],
    "Einsum": _einsum,
    "MaxPool": _pooling,
    "AveragePool": _pooling,
    "BatchNorm": lambda _, shapes, output: math.prod(output),
}


def _is_symbolic(value):
    return isinstance(value, keras.KerasTensor)


def _detached(value):
    """Returns a symbolic tensor without its history; any other value as it is."""
    return keras.KerasTensor(value.shape, value.dtype) if _is_symbolic(value) else value
