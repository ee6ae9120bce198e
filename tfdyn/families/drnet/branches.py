"""Branches: the candidate layers of a connection (DRNet section 4.1)."""

from collections.abc import Collection

import keras
from keras import layers, ops

from tfdyn.errors import UserError
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn, depthwise


@keras.saving.register_keras_serializable("tfdyn")
class SeparableConv(Chain):
    """The separable convolution of DARTS: two depthwise and pointwise convolutions.

    The layers are, twice: ReLU, depthwise convolution, pointwise (1x1) convolution and
    batch norm.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height / strides, width / strides, filters)`. The divisions
    round up.

    Args:
        filters: Integer, number of output channels.
        kernel_size: Integer, height and width of the depthwise kernels.
        strides: Integer, stride of the first depthwise convolution.
    """

    def __init__(self, filters, kernel_size, strides=1, **kwargs):
        chain = []
        for stride in (strides, 1):
            chain += [layers.ReLU(), depthwise(kernel_size, stride)]
            chain += conv_bn(filters)
        super().__init__(chain, **kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }


@keras.saving.register_keras_serializable("tfdyn")
class SkipConnection(keras.layers.Layer):
    """Returns every `strides`-th row and column of its input, without a computation.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height / strides, width / strides, channels)`. The divisions
    round up.

    Args:
        strides: Integer; with 1 the output is the input.
    """

    def __init__(self, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.strides = strides

    def call(self, inputs):
        if self.strides == 1:
            return inputs
        # Equals inputs[:, ::strides, ::strides], whose gradient is slow on CPUs.
        return ops.average_pool(inputs, 1, self.strides)

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        sides = [side and -(-side // self.strides) for side in sides]
        return (batch, *sides, channels)

    def get_config(self):
        return {**super().get_config(), "strides": self.strides}


# Name of a branch: function of (filters, strides) that returns a layer of this name.
# Input and output both have `filters` channels. A new branch is added here.
BRANCHES = {
    "max_pool_3x3": lambda filters, strides: layers.MaxPooling2D(
        3, strides, padding="same", name="max_pool_3x3"
    ),
    "avg_pool_3x3": lambda filters, strides: layers.AveragePooling2D(
        3, strides, padding="same", name="avg_pool_3x3"
    ),
    "sep_conv_3x3": lambda filters, strides: SeparableConv(
        filters, 3, strides, name="sep_conv_3x3"
    ),
    "sep_conv_5x5": lambda filters, strides: SeparableConv(
        filters, 5, strides, name="sep_conv_5x5"
    ),
    "skip_connection": lambda filters, strides: SkipConnection(
        strides, name="skip_connection"
    ),
}


def make_branches(
    names: Collection[str], filters: int, strides: int
) -> list[keras.layers.Layer]:
    """Creates the branches of a connection.

    Args:
        names: Names of the branches, keys of `BRANCHES`.
        filters: Number of input and output channels.
        strides: Stride of each branch, 1 or 2.

    Returns:
        List of new layers, one for each name.

    Raises:
        UserError: If there is no name, a name twice, or a name that is not in
            `BRANCHES`.
    """
    unknown = [name for name in names if name not in BRANCHES]
    if unknown or len(set(names)) != len(names) or not names:
        raise UserError(
            f"branches must be one or more different names of {', '.join(BRANCHES)}; "
            f"got {', '.join(names) or 'none'}."
        )
    return [BRANCHES[name](filters, strides) for name in names]
