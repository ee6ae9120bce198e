"""Quantization: the places of a network where its activations may get 8 bits.

Layers pass their activations through `point`, `again` and `exact`. These return the
tensor itself, unless a `scope` sets what happens there: an export observes the ranges
of activations, and rounds them.
"""

import contextlib
import threading

_scope = threading.local()


class Quantization:
    """Says what happens to activations in a `scope`; this one changes none."""

    def point(self, tensor, layer, place):
        """Returns the tensor of a place, rounded or not.

        Args:
            tensor: Tensor of any shape.
            layer: Keras layer that computed it.
            place: Text or number. Layer and place together identify the activation.
        """
        return tensor

    def again(self, tensor):
        """Returns a tensor that `point` returned before, inside a gate.

        Args:
            tensor: The tensor. A gate does not know the scale of what enters it.
        """
        return tensor

    def exact(self, tensor):
        """Returns a tensor that must not be rounded, since a decision follows from it.

        Args:
            tensor: Tensor `(batch, ...)`.
        """
        return tensor


def current() -> Quantization:
    """Returns the `Quantization` of the innermost `scope`."""
    return getattr(_scope, "quantization", None) or Quantization()


def point(tensor, layer, place):
    """Calls `Quantization.point` of the innermost `scope`."""
    return current().point(tensor, layer, place)


def exact(tensor):
    """Calls `Quantization.exact` of the innermost `scope`."""
    return current().exact(tensor)


@contextlib.contextmanager
def scope(quantization: Quantization | None):
    """Sets what happens to activations in a `with` block, in the current thread.

    Args:
        quantization: `Quantization`, or `None` for one that changes nothing.
    """
    previous = getattr(_scope, "quantization", None)
    _scope.quantization = quantization
    try:
        yield
    finally:
        _scope.quantization = previous
