"""Stems of DRNet: from the images to the two inputs of its first cell."""

import keras
from keras import layers

from tfdyn.layers import quantization
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn


@keras.saving.register_keras_serializable("tfdyn")
class Stem(keras.layers.Layer):
    """The stem of DRNet for small images: 3x3 convolution and batch norm.

    Input: tensor `(batch, height, width, channels)`.
    Output: a pair that holds one tensor `(batch, height / strides, width / strides,
    filters)` twice. The divisions round up.

    Args:
        filters: Integer, number of output channels.
        strides: Integer, stride of the convolution. The papers' is 1.
    """

    kind = "stem"
    added_arguments = {"strides": 1}

    def __init__(self, filters, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.strides = filters, strides
        self.convolution = Chain(conv_bn(filters, kernel_size=3, strides=strides))

    def build(self, input_shape):
        self.convolution.build(input_shape)

    def call(self, inputs):
        inputs = quantization.point(inputs, self, "images")
        outputs = self.convolution(inputs)
        return outputs, outputs

    def compute_output_shape(self, input_shape):
        return (self.convolution.compute_output_shape(input_shape),) * 2

    def get_config(self):
        config = {"filters": self.filters, "strides": self.strides}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("tfdyn")
class ImageNetStem(keras.layers.Layer):
    """The stem of DARTS for 224x224 images: three 3x3 convolutions of stride 2.

    Each has batch norm, and ReLU stands between them.

    Input: tensor `(batch, height, width, channels)`.
    Output: a pair of tensors: `(batch, height / 4, width / 4, filters)` after the
    second convolution and `(batch, height / 8, width / 8, filters)` after the third.
    Each division by 2 rounds up.

    Args:
        filters: Integer, number of output channels, an even number.
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
        quarter = self.quarter(quantization.point(inputs, self, "images"))
        return quarter, self.eighth(quarter)

    def compute_output_shape(self, input_shape):
        quarter = self.quarter.compute_output_shape(input_shape)
        return quarter, self.eighth.compute_output_shape(quarter)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


# Name of a stem: function of the number of channels of a node that returns the stem.
# "small" and "imagenet" are the papers'. "halved" is "small" with a stride of 2.
STEMS = {
    "small": lambda filters: Stem(3 * filters, name="stem"),
    "halved": lambda filters: Stem(3 * filters, strides=2, name="stem"),
    "imagenet": lambda filters: ImageNetStem(filters, name="stem"),
}
