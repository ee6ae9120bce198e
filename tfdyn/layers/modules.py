"""Modules: the parts of a network that cost something, found in its layers."""

import dataclasses

import keras

from tfdyn.layers.mixed_op import MixedOp

KINDS = ("stem", "preprocess", "router", "branch", "head")


@dataclasses.dataclass(frozen=True)
class Module:
    """A part of a network: what is counted, measured and looked up as a whole.

    Attributes:
        name: Path of the layer in the network, with slashes.
        kind: One of `KINDS`.
        layer: The built Keras layer.
        mixed_op: Name of the MixedOp that a branch stands in, else `None`.
    """

    name: str
    kind: str
    layer: keras.Layer
    mixed_op: str | None = None


def find_modules(layer, path=""):
    """Returns the modules below a layer, in the order in which it holds them.

    The branches of every MixedOp are modules, and every layer that has an
    attribute `kind`. What is in neither (an auxiliary head) costs nothing.
    """
    modules = []
    # Keras has no public way to the layers that a layer holds.
    for child in layer._flatten_layers(include_self=False, recursive=False):
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
