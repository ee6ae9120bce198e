"""Sub-blocks: the parts that DMNN splits a residual block into (section 3.1)."""

import itertools

import keras
from keras import layers

from tfdyn.errors import UserError
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import batch_norm, conv_bn, depthwise


@keras.saving.register_keras_serializable("tfdyn")
class Bottleneck(Chain):
    """A sub-block of ResNet: 1x1, 3x3 and 1x1 convolutions.

    Each has batch norm, and ReLU stands between them. The 3x3 convolution has the
    stride, as in PyTorch (DMNN, note of table 1). The scale of the last batch norm
    begins at 0.25, so that a block begins near its shortcut (Goyal et al., 2017,
    section 5.1, have 0). With 1, sums of several sub-blocks grow from block to block,
    and a network of seven such blocks does not learn at usual learning rates.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height / strides, width / strides, filters)`. The divisions
    round up.

    Args:
        filters: Integer, number of output channels.
        width: Integer, number of channels between the convolutions.
        strides: Integer, stride of the 3x3 convolution.
    """

    # As in ResNet v1, a ReLU follows the sum of shortcut and sub-blocks.
    relu_of_sum = True

    def __init__(self, filters, width, strides=1, **kwargs):
        chain = [*conv_bn(width), layers.ReLU()]
        chain += [*conv_bn(width, 3, strides), layers.ReLU()]
        super().__init__([*chain, *conv_bn(filters, scale=0.25)], **kwargs)
        self.filters, self.width, self.strides = filters, width, strides

    def get_config(self):
        config = {"filters": self.filters, "width": self.width}
        return {**super().get_config(), **config, "strides": self.strides}


@keras.saving.register_keras_serializable("tfdyn")
class Channels(keras.layers.Layer):
    """Returns some of the channels of its input, and has no weights.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height, width, stop - start)`.

    Args:
        start: Integer, index of the first channel.
        stop: Integer, index of the first channel that is not returned.
    """

    def __init__(self, start, stop, **kwargs):
        super().__init__(**kwargs)
        self.start, self.stop = start, stop

    def call(self, inputs):
        return inputs[..., self.start : self.stop]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.stop - self.start)

    def get_config(self):
        return {**super().get_config(), "start": self.start, "stop": self.stop}


@keras.saving.register_keras_serializable("tfdyn")
class InvertedResidual(Chain):
    """A sub-block of MobileNetV2: 1x1, 3x3 depthwise and 1x1 convolutions.

    The first one expands the input to `width` channels. Each has batch norm, and ReLU6
    follows the first two.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height / strides, width / strides, filters)`. The divisions
    round up.

    Args:
        filters: Integer, number of output channels.
        width: Integer, number of channels between the convolutions.
        strides: Integer, stride of the depthwise convolution.
        expand: Boolean, whether there is a first convolution. Without it, `width` must
            be the number of channels that are read, as in the block of MobileNetV2 that
            has an expansion of 1.
        part: Pair of integers `(start, stop)`: the sub-block reads only these channels
            of the input. `None`: all.
    """

    relu_of_sum = False

    def __init__(self, filters, width, strides=1, expand=True, part=None, **kwargs):
        chain = [Channels(*part)] if part else []
        chain += [*conv_bn(width), layers.ReLU(6.0)] if expand else []
        chain += [depthwise(3, strides), batch_norm(), layers.ReLU(6.0)]
        super().__init__([*chain, *conv_bn(filters)], **kwargs)
        self.filters, self.width = filters, width
        self.strides, self.expand, self.part = strides, expand, part

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "width": self.width,
            "strides": self.strides,
            "expand": self.expand,
            "part": self.part,
        }


def bottlenecks(
    channels: int, filters: int, width: int, strides: int, count: int, **_
) -> list[Bottleneck]:
    """Returns the sub-blocks of a block of ResNet.

    Args:
        channels: Number of channels of the block's input.
        filters: Number of channels of its output.
        width: Number of channels inside each sub-block.
        strides: Stride of the block.
        count: Number of sub-blocks.
    """
    return [
        Bottleneck(filters, width, strides, name=f"sub_block_{index}")
        for index in range(count)
    ]


def inverted_residuals(
    channels: int,
    filters: int,
    width: float,
    strides: int,
    count: int,
    divide_inputs: bool = False,
) -> list[InvertedResidual]:
    """Returns the sub-blocks of a block of MobileNetV2.

    Each of N has the expansion E/N, so that they have together as many parameters and
    MACs as the whole block (DMNN section 3.1). The first block of MobileNetV2 has E=1
    and no first convolution, so there is nothing to narrow. With `divide_inputs`, each
    of its sub-blocks reads 1/N of the input channels, which keeps both sums. Without,
    each has a first convolution that the whole block does not have.

    Args:
        channels: Number of channels of the block's input.
        filters: Number of channels of its output.
        width: E/N, the number of channels inside each sub-block divided by `channels`.
        strides: Stride of the block.
        count: N, the number of sub-blocks.
        divide_inputs: Whether the sub-blocks of a block with E=1 divide the input
            channels between them.

    Raises:
        UserError: If there are fewer channels to divide than sub-blocks.
    """
    if divide_inputs and is_without_expansion(width, count):
        if count > channels:
            raise UserError(
                f"A block of {channels} input channels cannot be divided into {count} "
                f"sub-blocks that read some channels each: make sub_blocks smaller."
            )
        bounds = [channels * index // count for index in range(count + 1)]
        parts = list(itertools.pairwise(bounds))
        inner, expand = [stop - start for start, stop in parts], False
        parts = parts if count > 1 else [None]
    else:
        parts, inner = [None] * count, [max(1, round(width * channels))] * count
        expand = divide_inputs or width != 1
    return [
        InvertedResidual(
            filters, inner[index], strides, expand, part, name=f"sub_block_{index}"
        )
        for index, part in enumerate(parts)
    ]


def is_without_expansion(width: float, count: int) -> bool:
    """Returns whether the whole block of sub-blocks of expansion E/N has E=1.

    Args:
        width: E/N, the expansion of each sub-block.
        count: N, the number of sub-blocks.
    """
    return round(width * count, 6) == 1


# Name of a sub-block: function that returns the sub-blocks of a block.
SUB_BLOCKS = {"bottleneck": bottlenecks, "inverted_residual": inverted_residuals}
