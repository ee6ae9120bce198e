"""Ranges: the smallest and largest values of activations, by which they are rounded."""

import dataclasses

import keras
import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.layers.keras_internals import all_layers, sublayers
from tfdyn.layers.quantization import Quantization


@dataclasses.dataclass(frozen=True)
class Ranges:
    """The ranges of a network's activations, and where they come from.

    Attributes:
        by_name: Mapping from the names of activations (`Names`) to pairs of floats,
            the smallest and the largest value; 0 lies between them.
        provenance: How they were observed, a dict ready for JSON.
    """

    by_name: dict[str, tuple[float, float]]
    provenance: dict


class Names:
    """Names the activations of a network that may have 8 bits.

    Args:
        model: `RoutedModel`. What its routers compute has no name: a decision that is
            near T would change by the rounding.
    """

    def __init__(self, model):
        self._paths = _paths(model, "")
        self._float = {
            id(layer)
            for module in model.modules
            if module.kind == "router"
            for layer in all_layers(module.layer)
        }

    def __call__(self, layer: keras.Layer, place) -> str | None:
        """Returns the name of an activation, or `None` if it stays float.

        Args:
            layer: Layer that computed it.
            place: Where in the layer.
        """
        if id(layer) in self._float:
            return None
        return f"{self.path(layer)}:{place}"

    def path(self, layer: keras.Layer) -> str:
        """Returns the path of a layer, as `tfdyn.layers.modules.Module` has it."""
        return self._paths[id(layer)]


def _paths(layer, path):
    """Returns a mapping from the ids of layers to their paths in the network."""
    paths = {id(layer): path.rstrip("/")}
    for child in sublayers(layer):
        paths |= _paths(child, f"{path}{child.name}/")
    return paths


class FakeQuantization(Quantization):
    """Rounds activations to 256 values. TFLite's converter makes them int8.

    Args:
        model: `RoutedModel` that is traced.
        ranges: `Ranges` of its activations.
    """

    def __init__(self, model, ranges: Ranges):
        self._name, self._ranges = Names(model), ranges.by_name
        # The tensors are kept, so that no other one gets the id of one of them.
        self._rounded = {}

    def point(self, tensor, layer, place):
        name = self._name(layer, place)
        if name is None or _symbolic(tensor):
            return tensor
        if name not in self._ranges:
            raise UserError(
                f"The activation {name} was never calibrated, so it has no range and "
                f"cannot be int8. Calibrate again, or use --precision=float32."
            )
        return self._round(tensor, self._ranges[name])

    def again(self, tensor):
        _, limits = self._rounded.get(id(tensor), (None, None))
        return self._round(tensor, limits) if limits else tensor

    def exact(self, tensor):
        # The converter rounds what a softmax returns, if an operation with a version
        # for 8 bits follows. These two have none, and together return their input.
        return tensor if _symbolic(tensor) else tf.square(tf.sqrt(tensor))

    def _round(self, tensor, limits):
        rounded = tf.quantization.fake_quant_with_min_max_args(tensor, *limits)
        self._rounded[id(rounded)] = rounded, limits
        return rounded


def _symbolic(tensor):
    """Returns whether operations are counted, not computed."""
    return isinstance(tensor, keras.KerasTensor)
