"""Block: a shortcut plus sub-blocks, all or none of which run (DMNN section 3.1)."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn
from tfdyn.layers.mixed_op import MixedOp

SHORTCUTS = ("identity", "projection", "none")


@keras.saving.register_keras_serializable("tfdyn")
class Projection(Chain):
    """A shortcut where shapes differ: 1x1 convolution and batch norm.

    Args:
        filters: Output channels.
        strides: Stride.
    """

    kind = "preprocess"

    def __init__(self, filters, strides=1, **kwargs):
        super().__init__(conv_bn(filters, strides=strides), **kwargs)
        self.filters, self.strides = filters, strides

    def get_config(self):
        config = {"filters": self.filters, "strides": self.strides}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("tfdyn")
class Block(keras.layers.Layer):
    """A residual block of DMNN: `shortcut(X) + sum_n s_n F_n(X)` (eq. 4).

    A ReLU follows where the sub-blocks are those of ResNet.

    Args:
        sub_blocks: The layers F_n (`tfdyn.families.dmnn.sub_blocks`), all of one
            class and with one configuration but for the name.
        shortcut: "identity", "projection" (1x1 convolution and batch norm) or "none".

    Call arguments:
        inputs: Tensor `(batch, height, width, channels)`.
        weights: Tensor `(batch, sub_blocks)`; 0 means that the sub-block does not run.

    Returns:
        Tensor of the shape of a sub-block's output.
    """

    def __init__(self, sub_blocks, shortcut="identity", **kwargs):
        # Weights stay in float32.
        super().__init__(**{"autocast": False, **kwargs})
        if shortcut not in SHORTCUTS:
            raise UserError(
                f"A shortcut is one of {', '.join(SHORTCUTS)}; got {shortcut!r}."
            )
        self.shortcut = shortcut
        self.projection = None
        if shortcut == "projection":
            first = sub_blocks[0]
            self.projection = Projection(first.filters, first.strides, name="shortcut")
        self.mixed_op = MixedOp(sub_blocks, name=f"{self.name}_sub_blocks")

    def build(self, input_shape):
        if self.projection:
            self.projection.build(input_shape)
        self.mixed_op.build(input_shape)

    def call(self, inputs, weights):
        inputs = ops.cast(inputs, self.compute_dtype)
        initial = inputs if self.shortcut == "identity" else None
        if self.projection:
            initial = self.projection(inputs)
        outputs = self.mixed_op(inputs, weights, initial=initial)
        relu_of_sum = self.mixed_op.branches[0].relu_of_sum
        return ops.relu(outputs) if relu_of_sum else outputs

    def compute_output_shape(self, input_shape):
        return self.mixed_op.compute_output_shape(input_shape)

    def get_config(self):
        branches = self.mixed_op.branches
        sub_blocks = [keras.saving.serialize_keras_object(b) for b in branches]
        config = {"sub_blocks": sub_blocks, "shortcut": self.shortcut}
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config):
        sub_blocks = [
            keras.saving.deserialize_keras_object(b) for b in config["sub_blocks"]
        ]
        return cls(**{**config, "sub_blocks": sub_blocks})
