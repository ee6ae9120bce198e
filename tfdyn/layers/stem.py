"""Stem: the layers of a residual network before its first block."""

import keras
from keras import layers

from tfdyn.layers import quantization
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn


@keras.saving.register_keras_serializable("tfdyn")
class ResidualStem(Chain):
    """Computes the input of the first block of ResNet and MobileNetV2 from images.

    Its layers are a convolution, batch norm, ReLU and, with `pool`, max pooling.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height / s, width / s, filters)`. The number s is `strides`
    without `pool`, and `2 * strides` with it. The divisions round up.

    Args:
        filters: Integer, number of output channels.
        kernel_size: Integer, height and width of the convolution's kernel.
        strides: Integer, stride of the convolution.
        pool: Boolean, whether to end with 3x3 max pooling of stride 2.
        max_value: Float, the largest output of the ReLU (6 for ReLU6), or `None` for no
            limit.
    """

    kind = "stem"

    def __init__(
        self, filters, kernel_size=3, strides=1, pool=False, max_value=None, **kwargs
    ):
        chain = [*conv_bn(filters, kernel_size, strides), layers.ReLU(max_value)]
        if pool:
            chain.append(
                layers.MaxPooling2D(3, 2, padding="same", data_format="channels_last")
            )
        super().__init__(chain, **kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.pool, self.max_value = pool, max_value

    def call(self, inputs):
        outputs = super().call(quantization.point(inputs, self, "images"))
        # Blocks know the range of what a point returned, not of what pooling makes.
        return quantization.point(outputs, self, "pool") if self.pool else outputs

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "pool": self.pool,
            "max_value": self.max_value,
        }


# Maps names of stems to kernel_size, strides and pool. The papers describe no stem for
# CIFAR. With a 3x3 convolution and the pool of ImageNet's stem, ResNet-50 has 0.33
# GMACs, as in DMNN's table 3.
RESIDUAL_STEMS = {
    "resnet": (7, 2, True),
    "resnet_cifar": (3, 1, True),
    "mobilenet": (3, 2, False),
    "small": (3, 1, False),
}
