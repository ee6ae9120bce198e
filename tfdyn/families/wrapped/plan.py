"""Plan: what of a graph becomes blocks and exits, and what stays between them."""

from tfdyn.errors import UserError
from tfdyn.families.wrapped.graph import Graph, kind_of
from tfdyn.families.wrapped.pieces import (
    Piece,
    find_pieces,
    output_shapes,
    place_of_exit,
)
from tfdyn.families.wrapped.places import exits_of

MOST_FILTERS = 4096
# Layers and operations whose outputs are no logits.
NO_LOGITS = ("Sigmoid", "ReLU", "Relu", "Relu6", "Tanh", "LeakyReLU", "ELU")


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
    if not isinstance(exit_filters, int) or not 0 <= exit_filters <= MOST_FILTERS:
        raise UserError(
            f"exit_filters must be a whole number from 0 to {MOST_FILTERS}; got "
            f"{exit_filters!r}."
        )
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
    skippable = [piece.name for piece in pieces if piece.branches]
    blocks = _names_of("blocks", blocks, skippable)
    for name in blocks:
        if name not in skippable:
            raise UserError(
                f"{name} is not a block that can be skipped. There "
                f"{'are ' + ', '.join(skippable) if skippable else 'are none'}."
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


def _names_of(argument, names, all_names):
    """Returns a list of names, of which "all", "none" and one name are short forms."""
    if names is None or names in ("all", ["all"], ("all",)):
        return list(all_names)
    if names in ("none", ["none"], ("none",)):
        return []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, (list, tuple)):
        raise UserError(
            f"{argument} must be a list of names of layers, 'all' or 'none'; got "
            f"{names!r}."
        )
    return list(names)


def _join(pieces: list[Piece], blocks, places, exit_filters) -> list[dict]:
    """Returns the links of `Wrapped`: blocks, exits, and all between them as one."""
    links, between = [], []
    # Blocks keep their names, since users name them.
    used_names = {
        name for block in blocks for name in (block, f"{block}_shortcut_gate")
    }

    def unique(name):
        while name in used_names:
            name += "_"
        used_names.add(name)
        return name

    def close():
        if between:
            name = "stem" if not links else f"layers_{len(links)}"
            links.append({"name": unique(name), "nodes": [*between]})
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
            name = unique(f"exit_{places[end]}")
            links.append({"name": name, "exit": exit_filters})
        index = end + 1
    close()
    links[-1]["name"] = unique("end")
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
    layer, config = kind_of(last), last["operation"]["config"]
    activation = config.get("activation", "linear")
    if layer == "Softmax" or (layer == "Activation" and activation == "softmax"):
        return nodes[:-1]
    if layer == "Activation" and activation == "linear":  # A cast, after a softmax.
        return with_logits(nodes[:-1])
    if activation == "softmax":
        config = {**config, "activation": "linear"}
        operation = {**last["operation"], "config": config}
        return [*nodes[:-1], {**last, "operation": operation}]
    if activation not in ("linear", "log_softmax", None) or layer in NO_LOGITS:
        raise UserError(
            f"The model ends with {layer}, activation {activation}: only logits or "
            f"their softmax are taken. End it with Dense(classes), without activation."
        )
    return nodes
