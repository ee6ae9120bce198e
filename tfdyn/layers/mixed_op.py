"""MixedOp: a layer that sums the outputs of branches by the weights of a route."""

import keras

from tfdyn.errors import UserError
from tfdyn.layers import execution


@keras.saving.register_keras_serializable("tfdyn")
class MixedOp(keras.layers.Layer):
    """Computes `initial + sum_b weights[:, b] * branches[b](inputs)`.

    This is the connection of DRNet (section 3.1, eq. 2); its name is that of DARTS. The
    scope of `tfdyn.layers.execution` in which the layer is called decides how it runs
    the branches. The result is the same for all executions.

    Args:
        branches: Sequence of Keras layers with outputs of the same shape; at least one.

    Call arguments:
        inputs: Tensor `(batch, ...)`.
        weights: Tensor `(batch, branches)`. A branch does not run for an image whose
            weight for it is 0.
        initial: Tensor `(batch, ...)` of the shape of the outputs, to which the sum is
            added: a shortcut, or the output of another connection of the same node.
            With `None` the sum starts from 0.

    Raises:
        UserError: If there are no branches.
    """

    def __init__(self, branches, **kwargs):
        # Without autocast the weights stay in float32. Branches cast their inputs.
        super().__init__(**{"autocast": False, **kwargs})
        if not branches:
            raise UserError(
                "A MixedOp needs at least one branch; got none. Pass a list of Keras "
                "layers."
            )
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
        branches = keras.saving.serialize_keras_object(self.branches)
        return {**super().get_config(), "branches": branches}

    @classmethod
    def from_config(cls, config):
        branches = keras.saving.deserialize_keras_object(config["branches"])
        return cls(**{**config, "branches": branches})
