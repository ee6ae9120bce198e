"""Modules: the parts of a network that have a cost, with their place in it."""

import dataclasses

import keras

from tfdyn.layers.keras_internals import sublayers
from tfdyn.layers.mixed_op import MixedOp

KINDS = ("stem", "preprocess", "router", "branch", "head")


@dataclasses.dataclass(frozen=True)
class Module:
    """Describes a part of a network that is counted and timed as a whole.

    Attributes:
        name: Path of the layer in the network: the names of the layers that hold it and
            its name, joined by slashes.
        kind: One of `KINDS`.
        layer: The built Keras layer.
        mixed_op: If the module is a branch, the name of the MixedOp that holds it;
            otherwise `None`.
    """

    name: str
    kind: str
    layer: keras.Layer
    mixed_op: str | None = None


def find_modules(layer: keras.Layer, path: str = "") -> list[Module]:
    """Returns the modules of a network.

    A module is a branch of a MixedOp, or a layer with an attribute `kind` that is one
    of `KINDS`. Layers outside all modules, such as an auxiliary head, have no cost.

    Args:
        layer: A built layer or model.
        path: Text to put before the name of each module: empty, or a path that ends
            with a slash.

    Returns:
        The modules in the order in which the layers were assigned. No module holds
        another.
    """
    modules = []
    for child in sublayers(layer):
        name = f"{path}{child.name}"
        if isinstance(child, MixedOp):
            modules += [
                Module(f"{name}/{branch.name}", "branch", branch, child.name)
                for branch in child.branches
            ]
        elif getattr(child, "kind", None) in KINDS:
            modules.append(Module(name, child.kind, child))
        else:
            modules += find_modules(child, f"{name}/")
    return modules
