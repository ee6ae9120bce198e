"""Residual: a residual block of a user's model, whose branches may be skipped."""

import keras
from keras import ops

from tfdyn.families.wrapped.sub_network import SubNetwork
from tfdyn.layers.mixed_op import MixedOp


@keras.saving.register_keras_serializable("tfdyn")
class Residual(keras.layers.Layer):
    """Adds the branches that run to a shortcut.

    The activations that follow the sum are a part of the block, too.

    Args:
        shortcut: Nodes of the shortcut (`tfdyn.families.wrapped.graph`); empty for the
            identity.
        branches: List with the nodes of each branch.
        after: Nodes of the activations; empty for none.
        optional: Boolean, whether the shortcut does not run where nothing of the block
            does. Then it is a branch itself, of a MixedOp of its own.

    Call arguments:
        inputs: Tensor `(batch, height, width, channels)`.
        weights: Mapping from the names of its MixedOps to weights
            `(batch, branches)`.
    """

    def __init__(self, shortcut, branches, after=(), optional=False, **kwargs):
        # Without autocast the weights stay in float32. The layers cast their inputs.
        super().__init__(**{"autocast": False, **kwargs})
        self.config = {
            "shortcut": shortcut,
            "branches": branches,
            "after": list(after),
            "optional": optional,
        }
        self.shortcut = None
        if shortcut:
            name, kind = f"{self.name}_shortcut", None if optional else "preprocess"
            self.shortcut = SubNetwork(shortcut, kind, name=name)
            if optional:
                self.shortcut = MixedOp([self.shortcut], name=f"{name}_gate")
        count = len(branches)
        names = [f"branch_{index}" for index in range(count)] if count > 1 else []
        self.mixed_op = MixedOp(
            [
                SubNetwork(nodes, name=name)
                for nodes, name in zip(branches, names or ["branch"], strict=True)
            ],
            name=self.name,
        )
        self.after = SubNetwork(list(after), name="after") if after else None

    def build(self, input_shape):
        for layer in (self.shortcut, self.mixed_op):
            if layer:
                layer.build(input_shape)
        if self.after:
            self.after.build(self.mixed_op.compute_output_shape(input_shape))

    def call(self, inputs, weights):
        inputs = ops.cast(inputs, self.compute_dtype)
        initial = inputs
        if isinstance(self.shortcut, MixedOp):
            initial = self.shortcut(inputs, weights[self.shortcut.name])
        elif self.shortcut:
            initial = self.shortcut(inputs)
        weights = weights[self.mixed_op.name]
        outputs = self.mixed_op(inputs, weights, initial=initial)
        return self.after(outputs) if self.after else outputs

    def compute_output_shape(self, input_shape):
        return self.mixed_op.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), **self.config}
