"""Pruning: removes from a network what a few of its routes do not run."""

from collections.abc import Collection, Mapping

import numpy as np

from tfdyn.errors import UserError
from tfdyn.layers.keras_internals import all_layers, remove_sublayer, sublayers
from tfdyn.models.routed_model import RoutedModel


def prune(model: RoutedModel, branches: Mapping[str, Collection[str]]) -> None:
    """Removes the routers and all branches but some, with their weights.

    The network can then run only routes that are passed to it, of the branches that
    remain.

    Args:
        model: `RoutedModel`, built. It is changed in place.
        branches: Mapping from the names of all MixedOps to the names of the branches
            that remain, one or more of each.

    Raises:
        UserError: If the network has no such MixedOp or branch.
    """
    present = model.route_spec.branches
    for name, wanted in branches.items():
        if missing := [each for each in wanted if each not in present.get(name, ())]:
            raise UserError(
                f"{model.name} has no branch {missing[0]} in {name}. It has "
                f"{', '.join(present.get(name, ())) or 'no such MixedOp'}."
            )
    unused = [
        branch
        for op in model.mixed_ops
        for branch in op.branches
        if branch.name not in branches[op.name]
    ]
    unused = {id(layer) for layer in unused}
    for holder in all_layers(model):
        for layer in sublayers(holder):
            if id(layer) in unused or getattr(layer, "kind", None) == "router":
                remove_sublayer(holder, layer)
    model.forget_structure()


def prune_to_routes(model: RoutedModel, routes: np.ndarray) -> np.ndarray:
    """Removes the routers and all branches that none of a few routes runs.

    Of a MixedOp without any other branch, the one with the fewest parameters remains,
    because a MixedOp needs one.

    Args:
        model: `RoutedModel`, built. It is changed in place.
        routes: Flat routes `(n, branches)`.

    Returns:
        Boolean array `(branches,)`: which branches remain.
    """
    spec = model.route_spec
    used = spec.split((routes != 0).any(axis=0))
    for op in model.mixed_ops:
        if not used[op.name].any():
            sizes = [branch.count_params() for branch in op.branches]
            used[op.name][np.argmin(sizes)] = True
    prune(model, {name: np.compress(used[name], spec.branches[name]) for name in used})
    return spec.flatten(used)
