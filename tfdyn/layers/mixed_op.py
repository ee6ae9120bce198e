"""MixedOp: candidate branches side by side, summed by the weights of a route."""

import keras

from tfdyn.errors import UserError
from tfdyn.layers import execution


@keras.saving.register_keras_serializable("tfdyn")
class MixedOp(keras.layers.Layer):
    """Returns `initial + sum_b weights[:, b] * branches[b](inputs)`.

    The connection of DRNet (section 3.1, eq. 2), named as in DARTS. How the sum
    is run (dense, dispatched, gated) is decided by `tfdyn.layers.execution` when
    the layer is called; a branch whose weight is zero adds nothing.

    Args:
        branches: Layers that map the inputs to one output shape.

    Call arguments:
        inputs: Tensor `(batch, ...)`.
        weights: Tensor `(batch, branches)`; 0 means that the branch does not run.
        initial: What the sum starts from, `(batch, ...)` of the outputs' shape
            (a node's other connection, a shortcut), or `None`.
    """

    def __init__(self, branches, **kwargs):
        # Branches cast their inputs themselves: weights stay in float32.
        super().__init__(**{"autocast": False, **kwargs})
        if not branches:
            raise UserError("A MixedOp needs at least one branch; got none.")
        self.branches = list(branches)

    def build(self, input_shape):
        for branch in self.branches:
            if branch.get_build_config() is None:
                branch.build(input_shape)

    def call(self, inputs, weights, initial=None):
        return execution.current()(self.branches, inputs, weights, initial)

    def compute_output_shape(self, input_shape):
        return self.branches[0].compute_output_shape(input_shape)

    def get_config(self):
        branches = [keras.saving.serialize_keras_object(b) for b in self.branches]
        return {**super().get_config(), "branches": branches}

    @classmethod
    def from_config(cls, config):
        branches = [
            keras.saving.deserialize_keras_object(b) for b in config["branches"]
        ]
        return cls(**{**config, "branches": branches})
