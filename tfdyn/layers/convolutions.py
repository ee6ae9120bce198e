"""Convolutions without bias, and batch norms, as the published sizes have them."""

import keras
from keras import layers

from tfdyn.layers.batch_normalization import BatchNormalization


def batch_norm():
    """Returns a batch normalisation with the momentum and epsilon of PyTorch."""
    return BatchNormalization(momentum=0.9, epsilon=1e-5)


def conv_bn(filters, kernel_size=1, strides=1):
    """Returns the layers convolution (no bias), batch norm."""
    convolution = layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )
    return [convolution, batch_norm()]


def depthwise(kernel_size, strides):
    """Returns a depthwise convolution (no bias)."""
    # A depthwise kernel (k, k, channels, 1) has k * k inputs an output: its "fan_out".
    return layers.DepthwiseConv2D(
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
    )
