"""Sub-blocks: the parts that DMNN splits a residual block into (section 3.1)."""

import keras
from keras import layers

from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import batch_norm, conv_bn, depthwise


@keras.saving.register_keras_serializable("tfdyn")
class Bottleneck(Chain):
    """A sub-block of ResNet: 1x1, 3x3 and 1x1 convolutions.

    Each has batch norm, and ReLU stands between them. The 3x3 convolution has the
    stride, as in PyTorch (DMNN, note of table 1).

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
        super().__init__([*chain, *conv_bn(filters)], **kwargs)
        self.filters, self.width, self.strides = filters, width, strides

    def get_config(self):
        config = {"filters": self.filters, "width": self.width}
        return {**super().get_config(), **config, "strides": self.strides}


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
            be the number of input channels, as in the block of MobileNetV2 that has an
            expansion of 1.
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


# Name of a sub-block: function of (input channels, filters, width, strides) that
# returns one. For inverted residuals, `width` is the expansion E/N.
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
