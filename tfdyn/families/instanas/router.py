"""ImageRouter: which modules run, decided by a look at the image alone."""

import keras
from keras import layers, ops

from tfdyn.errors import UserError
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn

# Channels of the three layers, or blocks. The paper leaves these and the kernels open.
WIDTHS, KERNELS = (16, 32, 64), (7, 5, 5)
FORMS = ("large_kernels", "residual")


@keras.saving.register_keras_serializable("tfdyn")
class ResidualUnit(Chain):
    """A basic block of ResNet: two 3x3 convolutions, a shortcut, and ReLU of the sum.

    Args:
        filters: Output channels.
        strides: Stride of the first convolution; the shortcut is a 1x1 convolution
            of that stride where it is not 1.

    Input `(batch, height, width, channels)`, of `filters` channels if the stride is 1;
    output `(batch, ceil(height / strides), ceil(width / strides), filters)`.
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
    """The controller of InstaNAS (section 3.3), which runs once, before everything.

    The form "large_kernels" is the paper's: three convolutions with large kernels, each
    with batch norm and ReLU. "residual" is that of the authors' code: a 3x3 convolution
    and three residual blocks, of which the last two halve the map. Then global average
    pooling and a dense layer.

    Args:
        cells: Cells of the network.
        modules: Modules of each cell.
        form: One of `FORMS`.
        pool: Side of the squares of pixels whose mean is what it sees: large images
            need no more than a glance.

    Input images `(batch, height, width, channels)`; output logits of each module's
    probability to run, `(batch, cells, modules)`, float32.
    """

    kind = "router"

    def __init__(self, cells, modules, form="large_kernels", pool=1, **kwargs):
        if form not in FORMS:
            raise UserError(
                f"The form of the router is one of {', '.join(FORMS)}; got {form!r}."
            )
        chain = [layers.AveragePooling2D(pool)] if pool > 1 else []
        if form == "large_kernels":
            for width, kernel in zip(WIDTHS, KERNELS, strict=True):
                chain += [*conv_bn(width, kernel, strides=2), layers.ReLU()]
        else:
            chain += [*conv_bn(WIDTHS[0], 3), layers.ReLU(), ResidualUnit(WIDTHS[0])]
            chain += [ResidualUnit(width, strides=2) for width in WIDTHS[1:]]
        chain += [
            layers.GlobalAveragePooling2D(),
            layers.Dense(cells * modules, dtype="float32"),
            layers.Reshape((cells, modules), dtype="float32"),
        ]
        super().__init__(chain, **kwargs)
        self.cells, self.modules = cells, modules
        self.form, self.pool = form, pool

    def get_config(self):
        return {
            **super().get_config(),
            "cells": self.cells,
            "modules": self.modules,
            "form": self.form,
            "pool": self.pool,
        }
