"""Sub-blocks: the parts that DMNN divides a residual block into (section 3.1)."""

import keras
from keras import layers

from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import batch_norm, conv_bn, depthwise


@keras.saving.register_keras_serializable("tfdyn")
class Bottleneck(Chain):
    """What a bottleneck of ResNet adds to its shortcut, or a narrower part of it.

    1x1, 3x3 and 1x1 convolutions, each with batch norm, and ReLU between them; the
    stride is the 3x3 convolution's, as PyTorch has it (DMNN, note of table 1).

    Args:
        filters: Output channels.
        width: Channels within.
        strides: Stride.

    Input `(batch, height, width, channels)`, output
    `(batch, ceil(height / strides), ceil(width / strides), filters)`.
    """

    # ResNet v1: of the sum with the shortcut.
    relu_of_sum = True

    def __init__(self, filters, width, strides=1, **kwargs):
        chain = [*conv_bn(width), layers.ReLU()]
        chain += [*conv_bn(width, 3, strides), layers.ReLU()]
        super().__init__([*chain, *conv_bn(filters)], **kwargs)
        self.filters, self.width, self.strides = filters, width, strides

    def get_config(self):
        config = {"filters": self.filters, "width": self.width}
        return {**super().get_config(), **config, "strides": self.strides}


@keras.saving.register_keras_serializable("tfdyn")
class InvertedResidual(Chain):
    """What an inverted residual of MobileNetV2 adds to its shortcut, or a part of it.

    1x1 convolution to the expanded width, 3x3 depthwise convolution and 1x1
    convolution, each with batch norm; ReLU6 after the first two.

    Args:
        filters: Output channels.
        width: Channels within; the input's times E/N.
        strides: Stride.
        expand: Whether there is the first convolution; without it, `width` must be the
            channels of the input, as in MobileNetV2's block with an expansion of 1.

    Input `(batch, height, width, channels)`, output
    `(batch, ceil(height / strides), ceil(width / strides), filters)`.
    """

    relu_of_sum = False

    def __init__(self, filters, width, strides=1, expand=True, **kwargs):
        chain = [*conv_bn(width), layers.ReLU(6.0)] if expand else []
        chain += [depthwise(3, strides), batch_norm(), layers.ReLU(6.0)]
        super().__init__([*chain, *conv_bn(filters)], **kwargs)
        self.filters, self.width = filters, width
        self.strides, self.expand = strides, expand

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "width": self.width,
            "strides": self.strides,
            "expand": self.expand,
        }


# Name: function of (channels of the input, filters, width, strides) that returns a
# sub-block; the width of an inverted residual is its expansion E/N.
SUB_BLOCKS = {
    "bottleneck": lambda channels, filters, width, strides, **kwargs: Bottleneck(
        filters, width, strides, **kwargs
    ),
    "inverted_residual": lambda channels, filters, width, strides, **kwargs: (
        InvertedResidual(
            filters, max(1, round(width * channels)), strides, width != 1, **kwargs
        )
    ),
}
