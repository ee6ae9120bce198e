"""Branches: the candidate transformations of a connection (DRNet section 4.1)."""

import keras
from keras import layers, ops

from tfdyn.errors import UserError
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn, depthwise


@keras.saving.register_keras_serializable("tfdyn")
class SeparableConv(Chain):
    """(ReLU, depthwise, pointwise, batch norm) twice, as in DARTS.

    Args:
        filters: Output channels.
        kernel_size: Side of the depthwise kernels.
        strides: Stride of the first depthwise convolution.

    Input `(batch, height, width, channels)`, output
    `(batch, ceil(height / strides), ceil(width / strides), filters)`.
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
    """The fast-forward branch: its input, every `strides`-th row and column.

    Input `(batch, height, width, channels)`, output
    `(batch, ceil(height / strides), ceil(width / strides), channels)`.
    """

    def __init__(self, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.strides = strides

    def call(self, inputs):
        if self.strides == 1:
            return inputs
        # As inputs[:, ::strides, ::strides], whose gradient is slow on CPUs.
        return ops.average_pool(inputs, 1, self.strides)

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        sides = [side and -(-side // self.strides) for side in sides]
        return (batch, *sides, channels)

    def get_config(self):
        return {**super().get_config(), "strides": self.strides}


# Name: function of (filters, strides) that returns a layer of that name. Its input
# has `filters` channels too. To offer another branch, add it here.
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


def make_branches(names, filters, strides):
    """Returns a new layer for each name.

    Raises:
        ValueError: If a name is not in `BRANCHES` or stands there twice, or if
            there is none.
    """
    unknown = [name for name in names if name not in BRANCHES]
    if unknown or len(set(names)) != len(names) or not names:
        raise UserError(
            f"Branches are one or more different names of {', '.join(BRANCHES)}; "
            f"got {', '.join(names) or 'none'}."
        )
    return [BRANCHES[name](filters, strides) for name in names]
