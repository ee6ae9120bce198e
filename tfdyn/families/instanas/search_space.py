"""Search space: the candidate modules of a cell of InstaNAS (section 4.1, figure 3)."""

import keras
from keras import layers

from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import batch_norm, conv_bn, depthwise


@keras.saving.register_keras_serializable("tfdyn")
class MBConv(Chain):
    """An inverted residual of MobileNetV2 with its own shortcut, where shapes allow.

    1x1 convolution to the expanded width, depthwise convolution and 1x1 convolution,
    each with batch norm; ReLU6 after the first two. Where the output has the input's
    shape, the input is added to it.

    Args:
        filters: Output channels.
        width: Channels within: the input's times the expansion F.
        kernel_size: Side K of the depthwise kernels.
        strides: Stride.

    Input `(batch, height, width, channels)`, output
    `(batch, ceil(height / strides), ceil(width / strides), filters)`.
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
        return outputs + inputs if same else outputs

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
    """Two 3x3 convolutions, each with batch norm and ReLU6; no shortcut.

    Args:
        filters: Output channels of both.
        strides: Stride of the first.

    Input `(batch, height, width, channels)`, output
    `(batch, ceil(height / strides), ceil(width / strides), filters)`.
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


# Name: function of (channels of the input, filters, strides) that returns a module of
# that name. The order is that of the authors' code.
MODULES = {
    **dict(_mb_conv(kernel, expansion) for kernel in (3, 5) for expansion in (6, 3)),
    "basic_conv": lambda channels, filters, strides: BasicConv(
        filters, strides, name="basic_conv"
    ),
}
# What runs where nothing is selected and something must be: module (a).
FALLBACK = "basic_conv"
# The module of MobileNetV2 itself.
MOBILENETV2 = "mb_conv_3x3_f6"
