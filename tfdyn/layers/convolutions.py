"""Convolutions without bias and batch norms, set up as in the published networks."""

import keras
from keras import layers

from tfdyn.layers.batch_normalization import BatchNormalization


def batch_norm(**kwargs) -> BatchNormalization:
    """Returns a batch norm layer with the default momentum and epsilon of PyTorch.

    Args:
        **kwargs: Other arguments of the layer.
    """
    return BatchNormalization(momentum=0.9, epsilon=1e-5, **kwargs)


def conv_bn(
    filters: int, kernel_size: int = 1, strides: int = 1, scale: float = 1.0
) -> list[keras.layers.Layer]:
    """Returns two layers: a convolution without bias, and a batch norm.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the kernel.
        strides: Stride in both directions.
        scale: Initial scale (gamma) of the batch norm.
    """
    convolution = layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        data_format="channels_last",
    )
    gamma = keras.initializers.Constant(scale)
    return [convolution, batch_norm(gamma_initializer=gamma)]


def depthwise(kernel_size: int, strides: int) -> keras.layers.Layer:
    """Returns a depthwise convolution without bias.

    Args:
        kernel_size: Height and width of the kernel.
        strides: Stride in both directions.
    """
    # Each output is a sum of k * k inputs. For a kernel (k, k, channels, 1) Keras calls
    # this number "fan_out".
    return layers.DepthwiseConv2D(
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=keras.initializers.VarianceScaling(2.0, "fan_out"),
        data_format="channels_last",
    )
