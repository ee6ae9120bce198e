"""Stems: from the image to the input, or two inputs, of what follows."""

import keras
from keras import layers

from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn


@keras.saving.register_keras_serializable("tfdyn")
class Stem(keras.layers.Layer):
    """3x3 convolution and batch norm, for small images; both outputs are the same.

    Args:
        filters: Output channels.

    Input `(batch, height, width, channels)`; output a pair of
    `(batch, height, width, filters)`.
    """

    kind = "stem"

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.convolution = Chain(conv_bn(filters, kernel_size=3))

    def build(self, input_shape):
        self.convolution.build(input_shape)

    def call(self, inputs):
        outputs = self.convolution(inputs)
        return outputs, outputs

    def compute_output_shape(self, input_shape):
        return (self.convolution.compute_output_shape(input_shape),) * 2

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable("tfdyn")
class ImageNetStem(keras.layers.Layer):
    """The stem of DARTS for 224x224 images: three 3x3 convolutions of stride 2.

    Args:
        filters: Output channels, an even number.

    Input `(batch, height, width, channels)`; output a pair,
    `(batch, height / 4, width / 4, filters)` and
    `(batch, height / 8, width / 8, filters)`.
    """

    kind = "stem"

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        half = conv_bn(filters // 2, kernel_size=3, strides=2)
        quarter = conv_bn(filters, kernel_size=3, strides=2)
        eighth = conv_bn(filters, kernel_size=3, strides=2)
        self.quarter = Chain([*half, layers.ReLU(), *quarter])
        self.eighth = Chain([layers.ReLU(), *eighth])

    def build(self, input_shape):
        self.quarter.build(input_shape)
        self.eighth.build(self.quarter.compute_output_shape(input_shape))

    def call(self, inputs):
        quarter = self.quarter(inputs)
        return quarter, self.eighth(quarter)

    def compute_output_shape(self, input_shape):
        quarter = self.quarter.compute_output_shape(input_shape)
        return quarter, self.eighth.compute_output_shape(quarter)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable("tfdyn")
class ResidualStem(Chain):
    """The stem of ResNet and MobileNetV2: convolution, batch norm, ReLU, maybe a pool.

    Args:
        filters: Output channels.
        kernel_size: Side of the kernel.
        strides: Stride of the convolution.
        pool: Whether 3x3 max-pooling of stride 2 follows.
        max_value: Where the ReLU is cut off; `None`: nowhere.

    Input `(batch, height, width, channels)`, output the same with `filters` channels,
    height and width divided by `strides`, and by 2 for a pool.
    """

    kind = "stem"

    def __init__(
        self, filters, kernel_size=3, strides=1, pool=False, max_value=None, **kwargs
    ):
        chain = [*conv_bn(filters, kernel_size, strides), layers.ReLU(max_value)]
        if pool:
            chain.append(layers.MaxPooling2D(3, 2, padding="same"))
        super().__init__(chain, **kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.pool, self.max_value = pool, max_value

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "pool": self.pool,
            "max_value": self.max_value,
        }


# Name: kernel size, stride, whether there is a pool. The papers leave CIFAR's open:
# with a 3x3 convolution and ImageNet's pool, ResNet-50 has DMNN's 0.33 GMACs (table 3).
RESIDUAL_STEMS = {
    "resnet": (7, 2, True),
    "resnet_cifar": (3, 1, True),
    "mobilenet": (3, 2, False),
    "small": (3, 1, False),
}
