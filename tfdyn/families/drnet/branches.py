"""Branches: the candidate layers of a connection (DRNet section 4.1)."""

import collections
from collections.abc import Collection

import keras
from keras import layers, ops

from tfdyn.errors import UserError
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import batch_norm, conv_bn, depthwise


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


def _normalized(pool, name):
    norm = batch_norm(center=False, scale=False)
    return Chain([pool, norm], name=name)


def _max_pool(strides, **kwargs):
    return layers.MaxPooling2D(
        3, strides, padding="same", data_format="channels_last", **kwargs
    )


def _avg_pool(strides, **kwargs):
    return layers.AveragePooling2D(
        3, strides, padding="same", data_format="channels_last", **kwargs
    )


# Name of a branch: function of (filters, strides, name) that returns a layer of this
# name. Input and output both have `filters` channels. A new branch is added here. DARTS
# has batch norm without scale and offset after the pools, as the branches `_norm` do.
BRANCHES = {
    "max_pool_3x3": lambda filters, strides, name: _max_pool(strides, name=name),
    "avg_pool_3x3": lambda filters, strides, name: _avg_pool(strides, name=name),
    "sep_conv_3x3": lambda filters, strides, name: SeparableConv(
        filters, 3, strides, name=name
    ),
    "sep_conv_5x5": lambda filters, strides, name: SeparableConv(
        filters, 5, strides, name=name
    ),
    "skip_connection": lambda filters, strides, name: SkipConnection(
        strides, name=name
    ),
    "max_pool_3x3_norm": lambda filters, strides, name: _normalized(
        _max_pool(strides), name
    ),
    "avg_pool_3x3_norm": lambda filters, strides, name: _normalized(
        _avg_pool(strides), name
    ),
}
# The candidates of the papers (DRNet section 4.1).
PAPER_BRANCHES = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "skip_connection",
)


def make_branches(
    kinds: Collection[str], filters: int, strides: int
) -> list[keras.layers.Layer]:
    """Creates the branches of a connection.

    Branches may be of one kind or of several ("homogeneous or heterogeneous", DRNet
    section 3.1). Each has its own weights. The first branch of a kind is named after
    it, the second has `_2` after the name, and so on.

    Args:
        kinds: Kinds of the branches, keys of `BRANCHES`. A kind may occur repeatedly.
        filters: Number of input and output channels.
        strides: Stride of each branch, 1 or 2.

    Returns:
        List of new layers, one for each item of `kinds`.

    Raises:
        UserError: If there is no kind, or one that is not in `BRANCHES`.
    """
    unknown = [kind for kind in kinds if kind not in BRANCHES]
    if unknown or not kinds:
        raise UserError(
            f"branches must be one or more of {', '.join(BRANCHES)}; got "
            f"{', '.join(kinds) or 'none'}."
        )
    branches, counts = [], collections.Counter()
    for kind in kinds:
        counts[kind] += 1
        name = f"{kind}_{counts[kind]}" if counts[kind] > 1 else kind
        branches.append(BRANCHES[kind](filters, strides, name))
    return branches
