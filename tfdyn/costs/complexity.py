"""Complexity: parameters and multiply-accumulates (MACs) of any Keras layer.

The count reads the operations that a layer performs, by calling it on symbolic
tensors down to `keras.ops`. So a new branch is counted with no method of its own.
"""

import math

import keras

from tfdyn.errors import UserError

CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


def params(layer):
    """Returns the number of trainable weights of a built layer."""
    return sum(math.prod(weight.shape) for weight in layer.trainable_weights)


def macs(layer, shape=None):
    """Returns the multiply-accumulates of a built layer for one example.

    As in DRNet and ISBNet: convolutions and matrix products by their MACs, pooling
    by its window's size for each output element (9 for 3x3), batch norm by 1 for
    each element, everything else (global pooling, activations, sums) by nothing.

    Args:
        layer: A built layer.
        shape: Of its input, with the batch axis, or a list of them if it takes a list
            of inputs; by default what it was built with.

    Raises:
        ValueError: If the layer performs an operation that has weights and for
            which there is no rule.
    """
    shape = of_one_example(shape or input_shape(layer))
    if isinstance(shape, list):
        return _count(layer, [keras.KerasTensor(each, "float32") for each in shape])
    return _count(layer, keras.KerasTensor(shape, "float32"))


def of_one_example(shape):
    """Returns a shape, or each of a list of shapes, with a batch of 1."""
    if isinstance(shape[0], (list, tuple)):
        return [of_one_example(each) for each in shape]
    return (1, *shape[1:])


def input_shape(layer):
    """Returns the shape, or the list of shapes, that a layer was built with."""
    # A functional model is built without a call of `build`.
    return (layer.get_build_config() or {}).get("input_shape") or layer.input_shape


def _count(layer, *args, **kwargs):
    if isinstance(layer, CONVOLUTIONS) and layer.groups > 1:
        # Keras refuses a grouped convolution of symbolic tensors.
        output_shape = layer.compute_output_shape(args[0].shape)
        return RULES["Conv"](layer, (None, layer.kernel.shape), output_shape)
    inputs = [x for x in keras.tree.flatten((args, kwargs)) if _is_symbolic(x)]
    outputs = keras.tree.flatten(layer.call(*args, **kwargs))
    if all(any(output is x for x in inputs) for output in outputs):
        return 0
    total = 0
    # Keras has no public way to the arguments of a graph's operations.
    depths = keras.Function(inputs, outputs)._nodes_by_depth
    for node in (node for nodes in depths.values() for node in nodes):
        operation, arguments = node.operation, node.arguments
        if node.is_input:
            continue
        if isinstance(operation, keras.Layer):
            args = keras.tree.map_structure(_detached, arguments.args)
            kwargs = keras.tree.map_structure(_detached, arguments.kwargs)
            total += _count(operation, *args, **kwargs)
        else:
            total += _operation_macs(operation, arguments.args, node.outputs[0].shape)
    return total


def _operation_macs(operation, arguments, output_shape):
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


# Operation: function of (operation, shapes of its arguments, shape of its output).
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
    return keras.KerasTensor(value.shape, value.dtype) if _is_symbolic(value) else value
