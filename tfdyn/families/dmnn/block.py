"""Block: a shortcut plus sub-blocks, any of which may run (DMNN section 3.1)."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.dmnn.sub_blocks import SUB_BLOCKS, is_without_expansion
from tfdyn.layers import quantization
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn
from tfdyn.layers.mixed_op import MixedOp

SHORTCUTS = ("identity", "projection", "folded", "none")


@keras.saving.register_keras_serializable("tfdyn")
class Projection(Chain):
    """The shortcut of a block that changes the shape: 1x1 convolution and batch norm.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height / strides, width / strides, filters)`. The divisions
    round up.

    Args:
        filters: Integer, number of output channels.
        strides: Integer, stride of the convolution.
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
    """Adds the sub-blocks that run to a shortcut: `X + sum_n s_n F_n(X)` (eq. 4).

    X is the input, and s_n are the weights. If the sub-blocks are bottlenecks, a ReLU
    of the sum follows, as in ResNet.

    Args:
        sub_blocks: List of the layers F_n (`tfdyn.families.dmnn.sub_blocks`). They
            differ in their names only.
        shortcut: String. "identity": the input itself, which must have the shape of
            the output. "projection": 1x1 convolution and batch norm of the input.
            "folded": the mean of groups of channels, without weights; the input has k
            times as many channels as the output, and the stride is 1. "none": zero.

    Call arguments:
        inputs: Tensor `(batch, height, width, channels)`.
        weights: Tensor `(batch, sub_blocks)`; 0 means that the sub-block does not run.

    Returns:
        Tensor `(batch, height / strides, width / strides, filters)`, with the strides
        and the filters of the sub-blocks. The divisions round up.

    Raises:
        UserError: If there is no such shortcut.
    """

    def __init__(self, sub_blocks, shortcut="identity", **kwargs):
        # The layers cast their inputs themselves, so that `weights` stay in float32.
        super().__init__(**{"autocast": False, **kwargs})
        if shortcut not in SHORTCUTS:
            raise UserError(
                f"shortcut must be one of {', '.join(SHORTCUTS)}; got {shortcut!r}."
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
        if self.shortcut == "folded":
            count = inputs.shape[-1] // self.mixed_op.branches[0].filters
            initial = sum(ops.split(inputs, count, axis=-1)) / count
            initial = quantization.point(initial, self, "folded")
        outputs = self.mixed_op(inputs, weights, initial=initial)
        relu_of_sum = self.mixed_op.branches[0].relu_of_sum
        if not relu_of_sum:
            return outputs
        return quantization.point(ops.relu(outputs), self, "relu")

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


def make_block(
    arguments: dict, stage: tuple, first: bool, channels: int, name: str
) -> Block:
    """Makes a block of a DMNN.

    Args:
        arguments: Mapping of the constructor arguments of the `DMNN`.
        stage: The block's stage, `(filters, width, blocks, strides)`.
        first: Whether the block is the first of its stage.
        channels: Number of channels of the block's input.
        name: Name of the block.
    """
    filters, width, _, strides = stage
    strides = strides if first else 1
    count, divide = arguments["sub_blocks"], arguments["divide_inputs"]
    make = SUB_BLOCKS[arguments["sub_block"]]
    sub_blocks = make(channels, filters, width, strides, count, divide_inputs=divide)
    divided = divide and is_without_expansion(width, count)
    if strides == 1 and channels == filters:
        shortcut = "identity"
    elif not arguments["projection"]:
        shortcut = "none"
    elif divided and strides == 1 and channels % filters == 0:
        shortcut = "folded"
    else:
        shortcut = "projection"
    return Block(sub_blocks, shortcut, name=name)
