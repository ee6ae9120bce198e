"""Search space: the candidate modules of a cell of InstaNAS (section 4.1, figure 3)."""

import keras
from keras import layers

from tfdyn.layers import quantization
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import batch_norm, conv_bn, depthwise


@keras.saving.register_keras_serializable("tfdyn")
class MBConv(Chain):
    """An inverted residual of MobileNetV2: 1x1, depthwise and 1x1 convolutions.

    The first one expands the input to `width` channels. Each has batch norm, and ReLU6
    follows the first two. If the output has the shape of the input, the input is added.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height / strides, width / strides, filters)`. The divisions
    round up.

    Args:
        filters: Integer, number of output channels.
        width: Integer, number of channels between the convolutions.
        kernel_size: Integer K, height and width of the depthwise kernels.
        strides: Integer, stride of the depthwise convolution.
    """

    def __init__(self, filters, width, kernel_size=3, strides=1, **kwargs):
        chain = [*conv_bn(width), layers.ReLU(6.0), depthwise(kernel_size, strides)]
        chain += [batch_norm(), layers.ReLU(6.0), *conv_bn(filters)]
        super().__init__(chain, **kwargs)
        self.filters, self.width = filters, width
        self.kernel_size, self.strides = kernel_size, strides

    def call(self, inputs):
        outputs = super().call(inputs)
        same = self.strides == 1 and inputs.shape[-1] == self.filters
        if not same:
            return outputs
        return quantization.point(outputs + inputs, self, "sum")

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "width": self.width,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }


@keras.saving.register_keras_serializable("tfdyn")
class BasicConv(Chain):
    """Two 3x3 convolutions, each with batch norm and ReLU6, without a shortcut.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height / strides, width / strides, filters)`. The divisions
    round up.

    Args:
        filters: Integer, number of output channels of both convolutions.
        strides: Integer, stride of the first convolution.
    """

    def __init__(self, filters, strides=1, **kwargs):
        chain = [*conv_bn(filters, 3, strides), layers.ReLU(6.0)]
        chain += [*conv_bn(filters, 3), layers.ReLU(6.0)]
        super().__init__(chain, **kwargs)
        self.filters, self.strides = filters, strides

    def get_config(self):
        config = {"filters": self.filters, "strides": self.strides}
        return {**super().get_config(), **config}


def _mb_conv(kernel_size, expansion):
    name = f"mb_conv_{kernel_size}x{kernel_size}_f{expansion}"
    return name, lambda channels, filters, strides: MBConv(
        filters, expansion * channels, kernel_size, strides, name=name
    )


# Name of a module: function of (input channels, filters, strides) that returns a layer
# of this name. The number after "f" is the expansion: with 6, the layer is six times as
# wide between its convolutions as its input. The order is that of the authors' code.
MODULES = {
    **dict(_mb_conv(kernel, expansion) for kernel in (3, 5) for expansion in (6, 3)),
    "basic_conv": lambda channels, filters, strides: BasicConv(
        filters, strides, name="basic_conv"
    ),
}
# Runs if a cell must run a module and none is selected: (a) in the paper's figure 3.
FALLBACK = "basic_conv"
# The module that MobileNetV2 consists of.
MOBILENETV2 = "mb_conv_3x3_f6"
