"""ImageRouter: decides, from the image alone, which modules of all cells run."""

import keras
from keras import layers, ops

from tfdyn.errors import UserError
from tfdyn.layers.batch_normalization import BatchNormalization
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn

# Channels and kernel sizes of the three convolutions, which the paper does not publish.
# Residual blocks have the same channels.
WIDTHS, KERNELS = (16, 32, 64), (7, 5, 5)
FORMS = ("large_kernels", "residual")


@keras.saving.register_keras_serializable("tfdyn")
class ResidualUnit(Chain):
    """A basic block of ResNet: two 3x3 convolutions, a shortcut, and ReLU of the sum.

    Input: tensor `(batch, height, width, channels)`. With a stride of 1 it must have
    `filters` channels.
    Output: tensor `(batch, height / strides, width / strides, filters)`. The divisions
    round up.

    Args:
        filters: Integer, number of output channels.
        strides: Integer, stride of the first convolution. If it is above 1, the
            shortcut is a 1x1 convolution with the same stride.
    """

    def __init__(self, filters, strides=1, **kwargs):
        chain = [*conv_bn(filters, 3, strides), layers.ReLU(), *conv_bn(filters, 3)]
        super().__init__(chain, **kwargs)
        self.filters, self.strides = filters, strides
        self.shortcut = Chain(conv_bn(filters, strides=strides) if strides > 1 else [])

    def build(self, input_shape):
        super().build(input_shape)
        self.shortcut.build(input_shape)

    def call(self, inputs):
        return ops.relu(super().call(inputs) + self.shortcut(inputs))

    def get_config(self):
        config = {"filters": self.filters, "strides": self.strides}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("tfdyn")
class ImageRouter(Chain):
    """Computes a logit for each module of each cell from the image.

    It is the controller of InstaNAS (section 3.3), which runs once, before all cells.
    Its convolutions are followed by global average pooling and a dense layer.

    Input: images `(batch, height, width, channels)`.
    Output: logits of the modules to run `(batch, cells, modules)`, float32.

    Args:
        cells: Integer, number of cells of the network.
        modules: Integer, number of modules of each cell.
        form: String. "large_kernels", as in the paper: three convolutions with large
            kernels (here 7x7, 5x5, 5x5), each with stride 2, batch norm and ReLU.
            "residual", as in the authors' code: a 3x3 convolution and three residual
            blocks. The last two blocks have stride 2.
        pool: Integer. The router sees the means of squares of this many pixels a side,
            since it does not need the full resolution of large images. With 1 it sees
            all pixels.
        normalized: Boolean, whether batch norm follows the pooling. Then the logits of
            different images differ even if their pooled features are nearly the same.
            The paper has none there.

    Raises:
        UserError: If there is no such form.
    """

    kind = "router"
    added_arguments = {"normalized": False}

    def __init__(
        self,
        cells,
        modules,
        form="large_kernels",
        pool=1,
        normalized=False,
        **kwargs,
    ):
        if form not in FORMS:
            raise UserError(
                f"The form of the router must be one of {', '.join(FORMS)}; got "
                f"{form!r}."
            )
        chain = (
            [layers.AveragePooling2D(pool, data_format="channels_last")]
            if pool > 1
            else []
        )
        if form == "large_kernels":
            for width, kernel in zip(WIDTHS, KERNELS, strict=True):
                chain += [*conv_bn(width, kernel, strides=2), layers.ReLU()]
        else:
            chain += [*conv_bn(WIDTHS[0], 3), layers.ReLU(), ResidualUnit(WIDTHS[0])]
            chain += [ResidualUnit(width, strides=2) for width in WIDTHS[1:]]
        chain.append(layers.GlobalAveragePooling2D(data_format="channels_last"))
        if normalized:
            chain.append(BatchNormalization(momentum=0.9, dtype="float32"))
        chain += [
            layers.Dense(cells * modules, dtype="float32"),
            layers.Reshape((cells, modules), dtype="float32"),
        ]
        super().__init__(chain, **kwargs)
        self.cells, self.modules = cells, modules
        self.form, self.pool, self.normalized = form, pool, normalized

    def get_config(self):
        return {
            **super().get_config(),
            "cells": self.cells,
            "modules": self.modules,
            "form": self.form,
            "pool": self.pool,
            "normalized": self.normalized,
        }
