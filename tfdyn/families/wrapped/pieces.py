"""Pieces: a graph as a chain, in which residual blocks are links.

A link ends where the graph is one tensor wide: all that comes later depends on this
tensor alone. A residual block is a link that ends with a sum, whose terms have nothing
in common but the tensor that the link begins with.
"""

import dataclasses

import keras

from tfdyn.families.wrapped.graph import (
    IMAGE,
    inputs_of,
    kind_of,
    make_operation,
    references_of,
)
from tfdyn.families.wrapped.sub_network import run_nodes

# Activations and the like: an exit behind a block stands behind these, too.
WEIGHTLESS = (
    "ReLU",
    "Activation",
    "LeakyReLU",
    "ELU",
    "Dropout",
    "SpatialDropout2D",
    "Relu",
    "Relu6",
    "Silu",
    "Gelu",
)


@dataclasses.dataclass(frozen=True)
class Piece:
    """A link of the chain.

    Attributes:
        name: Name of its last node.
        nodes: Its nodes. Those of a residual block end with the sum.
        shape: Shape of its output, without the batch.
        shortcut: Nodes of the shortcut of a residual block; empty for the identity.
        branches: For a residual block, a list with the nodes of each term of the sum
            but the shortcut; otherwise empty.
        reason: Why a link of several nodes is no residual block; otherwise empty.
    """

    name: str
    nodes: list[dict]
    shape: tuple
    shortcut: list[dict]
    branches: list[list[dict]]
    reason: str = ""


def find_pieces(nodes: list[dict], shapes: dict[str, tuple]) -> list[Piece]:
    """Divides a graph into the shortest links that it can be divided into.

    Args:
        nodes: Nodes of a graph (`tfdyn.families.wrapped.graph`).
        shapes: Shape of each tensor by its name, without the batch.

    Returns:
        The links, from the image to the output. Joined, they are all nodes.
    """
    last_read = {}
    for index, node in enumerate(nodes):
        last_read |= dict.fromkeys(inputs_of(node), index)
    pieces, start = [], 0
    open_until = last_read[IMAGE]  # The last node that reads an earlier tensor.
    for index, node in enumerate(nodes):
        if open_until <= index:
            pieces.append(_piece(nodes[start : index + 1], shapes))
            start = index + 1
        open_until = max(open_until, last_read.get(node["name"], 0))
    return pieces


def _piece(nodes, shapes):
    last = nodes[-1]
    shape = shapes[last["name"]]
    if len(nodes) == 1:
        return Piece(last["name"], nodes, shape, [], [])
    terms, reason = references_of(last), ""
    sides = [_before(nodes, name) for name in terms]
    names = [node["name"] for side in sides for node in side]
    if kind_of(last) != "Add":
        reason = f"ends with {last['operation']['class_name']}, not with a sum"
    elif len(set(terms)) < len(terms):
        reason = "adds a term twice"
    elif len(terms) < 2 or any(shapes[name] != shape for name in terms):
        reason = "adds terms of different shapes"
    elif len(set(names)) < len(names):
        reason = "adds terms that share layers"
    elif len(shape) != 3:
        reason = "is not of feature maps (height, width, channels)"
    if reason:
        return Piece(last["name"], nodes, shape, [], [], reason)
    shortcut = min(range(len(sides)), key=lambda index: _weight(sides[index]))
    branches = [side for index, side in enumerate(sides) if index != shortcut]
    return Piece(last["name"], nodes, shape, sides[shortcut], branches)


def _before(nodes, name):
    """Returns the nodes of a list on which a tensor depends, in order."""
    needed, before = {name}, []
    for node in reversed(nodes):
        if node["name"] in needed:
            before.append(node)
            needed.update(inputs_of(node))
    return before[::-1]


def _weight(nodes):
    """Returns a number that is smaller for a side that is more like a shortcut."""
    layers = [kind_of(node) for node in nodes]
    return sum("Conv" in name or name == "Dense" for name in layers), len(layers)


def place_of_exit(pieces: list[Piece], name: str) -> int | None:
    """Returns the index of the link behind which an exit stands.

    Args:
        pieces: Links of the chain.
        name: Name of a link. Activations that follow it come before the exit.

    Returns:
        The index, or `None` if no link has this name.
    """
    names = [piece.name for piece in pieces]
    if name not in names:
        return None
    index = names.index(name)
    while index + 1 < len(pieces) and _is_weightless(pieces[index + 1]):
        index += 1
    return index


def _is_weightless(piece):
    return len(piece.nodes) == 1 and layer_of(piece) in WEIGHTLESS


def layer_of(piece: Piece) -> str:
    """Returns the class of a link's last layer, as `kind_of` does."""
    return kind_of(piece.nodes[-1])


def output_shapes(nodes: list[dict], image_shape: tuple) -> dict[str, tuple]:
    """Returns the shape of each tensor of a graph by its name, without the batch.

    Args:
        nodes: Nodes of the graph.
        image_shape: Shape of an image, `(height, width, channels)`.
    """
    operations = [make_operation(node) for node in nodes]
    tensors = {IMAGE: keras.KerasTensor((None, *image_shape))}
    run_nodes(nodes, operations, tensors)
    return {name: tuple(tensor.shape[1:]) for name, tensor in tensors.items()}
