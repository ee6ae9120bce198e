"""Complexity: counts parameters and multiply-accumulates (MACs) of any Keras layer.

To count MACs, a layer is called with symbolic tensors. The layers that it calls are
followed down to the operations of `keras.ops`, and the MACs of these are summed. A new
kind of branch therefore needs no method that counts its MACs.
"""

import math

import keras

from tfdyn.errors import UserError
from tfdyn.layers.keras_internals import graph_nodes, parameters, sublayers

CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


def params(layer: keras.Layer) -> int:
    """Returns the number of parameters of a built layer or model, frozen ones too."""
    return sum(math.prod(weight.shape) for weight in parameters(layer))


def macs(layer: keras.Layer, shape: tuple | list[tuple] | None = None) -> int:
    """Returns the multiply-accumulates (MACs) of a built layer for one image.

    The rules are those of DRNet and ISBNet. Convolutions and matrix products count
    their MACs. Pooling counts the size of its window for each output element (9 for
    3x3). Batch norm counts 1 for each element. Everything else, such as global pooling,
    activations and sums, counts 0.

    Args:
        layer: A built layer.
        shape: Shape of its input with a batch axis of any size, or a list of such
            shapes for a layer that takes a list of inputs. By default the shape that
            the layer was built with.

    Returns:
        The number of MACs.

    Raises:
        UserError: If the layer runs an operation with weights that no rule in `RULES`
            counts, or an einsum with an ellipsis.
    """
    shape = shape_of_one_image(shape or input_shape(layer))
    if isinstance(shape, list):
        return _count(layer, [keras.KerasTensor(part, "float32") for part in shape])
    return _count(layer, keras.KerasTensor(shape, "float32"))


def shape_of_one_image(shape: tuple | list[tuple]) -> tuple | list[tuple]:
    """Returns a shape, or each shape of a list, with 1 in place of its batch axis."""
    if isinstance(shape[0], (list, tuple)):
        return [shape_of_one_image(part) for part in shape]
    return (1, *shape[1:])


def input_shape(layer: keras.Layer) -> tuple | list[tuple]:
    """Returns the input shape, or the list of shapes, that a layer was built with."""
    # Keras builds a functional model without calling `build`, so that it has no build
    # configuration.
    return (layer.get_build_config() or {}).get("input_shape") or layer.input_shape


def _count(layer, *args, **kwargs):
    """Returns the MACs of a layer that is called with symbolic tensors of batch 1."""
    if isinstance(layer, CONVOLUTIONS) and layer.groups > 1:
        # Keras cannot call a grouped convolution with symbolic tensors.
        output_shape = layer.compute_output_shape(args[0].shape)
        return RULES["Conv"](layer, (None, layer.kernel.shape), output_shape)
    inputs = [
        value for value in keras.tree.flatten((args, kwargs)) if _is_symbolic(value)
    ]
    if isinstance(layer, keras.layers.BatchNormalization):
        # Keras cannot call one without scale with symbolic tensors.
        return math.prod(args[0].shape)
    try:
        outputs = keras.tree.flatten(layer.call(*args, **kwargs))
    except Exception as error:  # Of any kind, by the layer's own code.
        return _macs_of_opaque(layer, error)
    if all(any(output is value for value in inputs) for output in outputs):
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


def _macs_of_opaque(layer, error):
    """Returns 0 for a layer that only real tensors can be called with.

    Keras's preprocessing layers are such, and layers that use TensorFlow.
    """
    matrices = [weight for weight in layer.weights if len(weight.shape) > 1]
    if sublayers(layer) or matrices:
        raise UserError(
            f"The MACs of {layer.name}, a {type(layer).__name__}, cannot be counted: "
            f"it cannot be called with symbolic tensors ({type(error).__name__}). "
            f"Write its call with keras.ops."
        ) from error
    return 0


def _operation_macs(operation, arguments, output_shape):
    """Returns the MACs of an operation of `keras.ops`, by its rule in `RULES`.

    An operation without a rule counts 0, unless it has a weight of two or more axes.
    """
    rule = RULES.get(type(operation).__name__)
    if rule is not None:
        shapes = [getattr(argument, "shape", None) for argument in arguments]
        return rule(operation, shapes, output_shape)
    weights = [value for value in arguments if isinstance(value, keras.Variable)]
    if any(len(weight.shape) > 1 for weight in weights):
        raise UserError(
            f"No rule counts the MACs of the operation {type(operation).__name__}, "
            f"which has weights; there are rules for {', '.join(RULES)}. Add a rule "
            f"to {__name__}.RULES."
        )
    return 0


def _separable(_, shapes, output):
    """Returns the MACs of a depthwise convolution that a 1x1 convolution follows."""
    _, depthwise, pointwise = shapes
    positions = math.prod(output[:-1])
    return positions * (math.prod(depthwise) + math.prod(pointwise))


def _einsum(operation, shapes, output):
    """Returns the MACs of an einsum: the product of the sizes of all its axes."""
    inputs = operation.subscripts.replace(" ", "").split("->")[0].split(",")
    if "." in operation.subscripts:
        raise UserError(
            f"No rule counts the MACs of the einsum {operation.subscripts!r}, which "
            f"has an ellipsis. Write a letter for each axis instead."
        )
    sizes = {}
    for labels, shape in zip(inputs, shapes, strict=False):
        sizes.update(zip(labels, shape, strict=True))
    return math.prod(sizes.values())


def _pooling(operation, shapes, output):
    """Returns the size of the pooling window for each output element."""
    size = operation.pool_size
    window = size ** (len(output) - 2) if isinstance(size, int) else math.prod(size)
    # A window of 1 computes nothing: with a stride it only leaves out elements.
    return math.prod(output) * window if window > 1 else 0


# Maps the class names of operations of `keras.ops` to functions that return the MACs.
# The functions take the operation, a list of the shapes of its arguments (`None` for
# an argument that is not a tensor) and the shape of its output. The batch axis of all
# shapes is 1.
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
    """Returns a symbolic tensor without its graph, and any other value unchanged."""
    return keras.KerasTensor(value.shape, value.dtype) if _is_symbolic(value) else value
