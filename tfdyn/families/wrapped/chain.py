"""Chain of a wrapped model: its links, how they are built and how each runs."""

import keras

from tfdyn.costs import complexity
from tfdyn.families.dmnn.router import GateRouter
from tfdyn.families.wrapped.exits import Exit, ExitHead
from tfdyn.families.wrapped.residual import Residual
from tfdyn.families.wrapped.sub_network import SubNetwork
from tfdyn.layers.mixed_op import MixedOp


def build(arguments: dict) -> tuple[list, dict]:
    """Builds the links of a wrapped model and its routers.

    Links are `SubNetwork`s, which always run; `Residual` blocks; `Exit`s, of which the
    last is the original's end; and, behind an exit, MixedOps of one `SubNetwork`, which
    run for the images that go on.

    Args:
        arguments: Dict of the constructor arguments of `Wrapped`.

    Returns:
        The links, and a dict from the names of residual blocks to the routers that
        stand in front of them.
    """
    nodes = {node["name"]: node for node in arguments["nodes"]}
    pieces, shape = arguments["pieces"], (None, *arguments["input_shape"])
    chain, routers = [], {}
    behind_exit = False
    for index, piece in enumerate(pieces):
        name, is_last = piece["name"], index == len(pieces) - 1
        if "exit" in piece:
            head = _exit_head(arguments["num_classes"], piece["exit"], shape)
            link = Exit(head, not behind_exit, name=name)
        elif "branches" in piece:
            link = Residual(
                [nodes[node] for node in piece["shortcut"]],
                [[nodes[node] for node in branch] for branch in piece["branches"]],
                [nodes[node] for node in piece["after"]],
                behind_exit,
                name=name,
            )
            _add_router(routers, arguments, name, shape)
        elif is_last:
            kind = None if behind_exit else "head"
            end = SubNetwork([nodes[n] for n in piece["nodes"]], kind, name="end")
            link = Exit(end, not behind_exit, name=name)
        else:
            kind = "preprocess" if index else "stem"
            of_piece = [nodes[node] for node in piece["nodes"]]
            link = SubNetwork(of_piece, kind, name=name)
            if behind_exit and _macs(of_piece, shape):
                link = MixedOp([SubNetwork(of_piece, name="layers")], name=name)
        link.build(shape)
        chain.append(link)
        if isinstance(link, Exit):
            behind_exit = True
        else:
            shape = link.compute_output_shape(shape)
    return chain, routers


def _macs(nodes, shape):
    """Returns the MACs of nodes that read a tensor of a shape."""
    layer = SubNetwork(nodes)
    layer.build(shape)
    return complexity.macs(layer, shape)


def _exit_head(num_classes, filters, shape):
    """Returns the head of an exit, with smaller strides on small maps."""
    side = min(shape[1:3])
    strides = (2 if side >= 8 else 1, 1, 2 if side >= 16 else 1, 1)
    return ExitHead(num_classes, filters, strides, name="head")


def _add_router(routers, arguments, name, shape):
    """Adds the router in front of a residual block, if it has one."""
    units, kind = arguments["units"], arguments["routers"]
    counts = {
        piece["name"]: len(piece["branches"])
        for piece in arguments["pieces"]
        if "branches" in piece
    }
    if arguments["selection"] == "none" or (kind == "image" and routers):
        return
    count = counts[name] if kind == "blocks" else sum(counts.values())
    previous = arguments["previous_state"] and bool(routers)
    router = GateRouter(
        count,
        units,
        previous,
        arguments["normalized_routers"],
        name=f"router_{len(routers)}",
    )
    router.build([shape, (None, units)] if previous else shape)
    routers[name] = router


def mixed_ops_of(link) -> list[MixedOp]:
    """Returns the MixedOps of a link of the chain, in the order in which they run."""
    if isinstance(link, MixedOp):
        return [link]
    if isinstance(link, Residual):
        shortcut = [link.shortcut] if isinstance(link.shortcut, MixedOp) else []
        return [*shortcut, link.mixed_op]
    return [link.mixed_op] if isinstance(link, Exit) and link.mixed_op else []


def run(link: keras.Layer, state: tuple, weights: dict) -> tuple:
    """Runs a link of the chain.

    Args:
        link: Link of the chain.
        state: Tuple of the feature map `(batch, height, width, channels)` and, behind
            the first exit, the logits `(batch, classes)` so far.
        weights: Mapping from the names of the link's MixedOps to weights `(batch,
            branches)`.

    Returns:
        The state after the link.
    """
    features, *logits = state
    if isinstance(link, Exit):
        return features, link(features, *(logits or [None]), weights)
    if isinstance(link, MixedOp):
        return (link(features, weights[link.name]), *logits)
    if isinstance(link, Residual):
        return (link(features, weights), *logits)
    return (link(features), *logits)
