"""Wrapping: makes a `Wrapped` of a Keras model, with the model's own weights."""

import keras

from tfdyn.errors import UserError
from tfdyn.families.wrapped.graph import IMAGE, Graph, inputs_of, read_graph
from tfdyn.families.wrapped.pieces import (
    Piece,
    find_pieces,
    output_shapes,
    place_of_exit,
)
from tfdyn.families.wrapped.places import exits_of
from tfdyn.families.wrapped.wrapped import Wrapped


def wrap(
    model: keras.Model,
    blocks: list[str] | None = None,
    exits: list[str] | int = (),
    exit_filters: int = 64,
    routers: str = "blocks",
    frozen: bool = True,
    **arguments,
) -> Wrapped:
    """Makes a trained Keras model dynamic: it skips what an image does not need.

    Finds the model's residual blocks, and puts a router in front of each. With T=1 the
    result computes what the model computes. Routers and exits must be trained: with
    `fit`, or with `python -m tfdyn.wrap`, which does all of this for a file.

    ```python
    model = tfdyn.wrap(keras.applications.MobileNetV2(), exits=2)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True))
    model.fit(images, labels)  # normalised as MobileNetV2 wants them
    ```

    Args:
        model: Functional or sequential `keras.Model`, built, whose one output is the
            logits or the softmax of classes. It is copied.
        blocks: Names of the residual blocks that may be skipped, as `tfdyn.describe`
            lists them. Default: all.
        exits: Names of the layers behind which an image may stop, or the number of
            exits, which then stand between a half and four fifths of the MACs.
        exit_filters: Number of filters of the convolutions of each exit's head; 0 for
            heads without convolutions.
        routers: "blocks": a router for each block. "image": one for all.
        frozen: Whether `fit` trains the routers and the exits alone. Otherwise it
            trains all weights.
        **arguments: Further arguments of `Wrapped`, such as `selection` and `units`.

    Raises:
        UserError: If the model cannot be wrapped, or has no such block.
    """
    graph = read_graph(model)
    wrapped = Wrapped(
        graph.input_shape,
        routers=routers,
        **plan(graph, blocks, exits, exit_filters),
        **arguments,
    )
    copy_weights(graph, wrapped)
    wrapped.train_original(not frozen)
    return wrapped


def plan(
    graph: Graph, blocks: list[str] | None, exits: list[str] | int, exit_filters: int
) -> dict:
    """Decides what of a graph becomes blocks and exits.

    Args:
        graph: `Graph` of a model.
        blocks: As that of `wrap`.
        exits: Likewise.
        exit_filters: Likewise.

    Returns:
        Dict of the arguments `num_classes`, `nodes` and `pieces` of `Wrapped`.

    Raises:
        UserError: If the output is not one of a classifier, or a name is none of a
            block, or of a place for an exit.
    """
    nodes = with_logits(graph.nodes)
    shapes = output_shapes(nodes, graph.input_shape)
    shape = shapes[nodes[-1]["name"]]
    if len(shape) != 1 or shape[0] < 2:
        raise UserError(
            f"The model's output has the shape {shape}: only classifiers are taken, "
            f"whose output is one number for each of two classes or more. Add the head "
            f"of the classes, for instance include_top=True."
        )
    pieces = find_pieces(nodes, shapes)
    found = [piece.name for piece in pieces if piece.branches]
    blocks = found if blocks is None else list(blocks)
    for name in blocks:
        if name not in found:
            raise UserError(
                f"{name} is not a block that can be skipped. There "
                f"{'are ' + ', '.join(found) if found else 'are none'}."
            )
    places = exits_of(pieces, exits, graph.input_shape)
    if not blocks and not places:
        raise UserError(
            "There is nothing to skip: the model has no residual block that can be "
            "routed. Ask for exits, for instance exits=1 (--exits=1)."
        )
    return {
        "num_classes": shape[0],
        "nodes": nodes,
        "pieces": _join(pieces, blocks, places, exit_filters),
    }


def _join(pieces: list[Piece], blocks, places, exit_filters) -> list[dict]:
    """Returns the links of `Wrapped`: blocks, exits, and all between them as one."""
    links, between = [], []

    def close():
        if between:
            name = "stem" if not links else f"layers_{len(links)}"
            links.append({"name": name, "nodes": [*between]})
            between.clear()

    index = 0
    while index < len(pieces):
        piece, end = pieces[index], index
        if piece.name in blocks:
            close()
            end = place_of_exit(pieces, piece.name)
            after = [
                node for each in pieces[index + 1 : end + 1] for node in each.nodes
            ]
            links.append(
                {
                    "name": piece.name,
                    "shortcut": _names(piece.shortcut),
                    "branches": [_names(branch) for branch in piece.branches],
                    "after": _names(after),
                }
            )
        else:
            between += _names(piece.nodes)
        if end in places:
            close()
            links.append({"name": f"exit_{places[end]}", "exit": exit_filters})
        index = end + 1
    close()
    links[-1]["name"] = "end"
    return links


def _names(nodes):
    return [node["name"] for node in nodes]


def with_logits(nodes: list[dict]) -> list[dict]:
    """Returns the nodes of a classifier without a softmax at their end.

    Args:
        nodes: Nodes of a graph.

    Raises:
        UserError: If the last layer has another activation, such as sigmoid.
    """
    last = nodes[-1]
    layer, config = last["operation"]["class_name"], last["operation"]["config"]
    activation = config.get("activation", "linear")
    if layer == "Softmax" or (layer == "Activation" and activation == "softmax"):
        return nodes[:-1]
    if activation == "softmax":
        config = {**config, "activation": "linear"}
        operation = {**last["operation"], "config": config}
        return [*nodes[:-1], {**last, "operation": operation}]
    if activation not in ("linear", None) or layer in ("Sigmoid", "ReLU"):
        raise UserError(
            f"The model ends with {layer}, activation {activation}: only logits or "
            f"their softmax are taken. End it with Dense(classes), without activation."
        )
    return nodes


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


def copy_weights(graph: Graph, wrapped: Wrapped) -> None:
    """Copies the weights of a model into what was made of its graph.

    Args:
        graph: `Graph` of the model.
        wrapped: `Wrapped`, changed in place.
    """
    for sub_network in wrapped.sub_networks:
        for node, copy in zip(sub_network.nodes, sub_network.operations, strict=True):
            if isinstance(copy, keras.Layer) and copy.weights:
                copy.set_weights(graph.operations[node["name"]].get_weights())
                if hasattr(copy, "finalize_state"):  # Of preprocessing layers.
                    copy.finalize_state()
