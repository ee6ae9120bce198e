"""Pixels: a graph that takes images as tfdyn normalises them."""

import keras

from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.families.wrapped.graph import IMAGE, Graph, inputs_of

# As in keras.applications.imagenet_utils.preprocess_input, for pixels from 0 to 1.
MODES = {
    "unit": ((0, 0, 0), (1, 1, 1)),
    "tf": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "torch": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe": ([m / 255 for m in (123.68, 116.779, 103.939)], (1 / 255,) * 3),
    "none": ((0, 0, 0), (1 / 255,) * 3),
}


def normalized(graph: Graph, preprocessing: str, input_format: InputFormat) -> Graph:
    """Returns a graph that takes images as tfdyn normalises them.

    Args:
        graph: `Graph` of a model.
        preprocessing: How the model wants its pixels, as in `WrappedSettings`.
        input_format: `InputFormat` of the images.

    Raises:
        UserError: If the images have no three colours, and the mode is of colours.
    """
    if preprocessing == "dataset":
        return graph
    mean, std = MODES[preprocessing]
    channels = input_format.shape[-1]
    if channels != 3:
        if preprocessing in ("torch", "caffe"):
            raise UserError(
                f"--preprocessing={preprocessing} is for images of three colours; "
                f"these have {channels} channel(s)."
            )
        mean, std = mean[:channels], std[:channels]
    scale = [s / w for s, w in zip(input_format.std, std, strict=True)]
    offset = [(m - w) / s for m, w, s in zip(input_format.mean, mean, std, strict=True)]
    return with_pixels(graph, scale, offset, reverse=preprocessing == "caffe")


def with_pixels(graph: Graph, scale, offset, reverse: bool = False) -> Graph:
    """Returns a graph that first computes `image * scale + offset`.

    Args:
        graph: `Graph`.
        scale: List of floats, one for each channel.
        offset: List of floats, likewise.
        reverse: Whether the order of the channels is reversed afterwards.
    """
    layers = {"pixels": keras.layers.Rescaling(scale, offset)}
    if reverse:
        image = keras.Input(graph.input_shape)
        flipped = keras.Model(image, keras.ops.flip(image, axis=-1))
        (layers["reversed_channels"],) = flipped.operations[1:]
    nodes, operations, before = [], {**graph.operations}, IMAGE
    for name, layer in layers.items():
        while name in operations:
            name += "_"
        operation = keras.saving.serialize_keras_object(layer)
        operation["config"] = {**operation["config"], "name": name}
        args = [{"tensor": before}]
        nodes.append({"name": name, "operation": operation, "args": args, "kwargs": {}})
        operations[name], before = layer, name
    nodes += [_renamed(node, before) for node in graph.nodes]
    return Graph(nodes, graph.input_shape, operations)


def _renamed(node, name):
    """Returns a node that reads the tensor `name` in place of the image."""
    if IMAGE not in inputs_of(node):
        return node

    def replace(value):
        if value == {"tensor": IMAGE}:
            return {"tensor": name}
        if isinstance(value, dict):
            return {key: replace(item) for key, item in value.items()}
        return [*map(replace, value)] if isinstance(value, list) else value

    return {**node, "args": replace(node["args"]), "kwargs": replace(node["kwargs"])}
