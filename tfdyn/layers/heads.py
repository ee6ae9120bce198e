"""Heads: from features to the logits of classes, or of categories."""

import keras
from keras import layers, ops

from tfdyn.errors import UserError
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn


@keras.saving.register_keras_serializable("tfdyn")
class ClassifierHead(Chain):
    """Global average pooling and a dense layer.

    Args:
        num_classes: Number of classes.

    Input `(batch, height, width, channels)`, output logits
    `(batch, num_classes)`, float32.
    """

    kind = "head"

    def __init__(self, num_classes, **kwargs):
        dense = layers.Dense(num_classes, dtype="float32")
        super().__init__([layers.GlobalAveragePooling2D(), dense], **kwargs)
        self.num_classes = num_classes

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable("tfdyn")
class AuxiliaryHead(Chain):
    """The auxiliary classifier of DARTS, which exists in training only.

    ReLU, average pooling to 2x2 (of 5x5 windows on maps of 7 and 8, as in DARTS,
    of smaller ones on smaller maps), 1x1 convolution to 128, 2x2 convolution to
    768, both with batch norm and ReLU, and a dense layer.

    Args:
        side: Height and width of the input, at least 2.
        num_classes: Number of classes.

    Input `(batch, side, side, channels)`, output logits `(batch, num_classes)`,
    float32.
    """

    def __init__(self, side, num_classes, **kwargs):
        if side < 2:
            raise UserError(
                f"The auxiliary head needs an input of at least 2x2; got "
                f"{side}x{side}. Use larger images, or leave the head out."
            )
        pool_size = min(5, side - 1)
        last = layers.Conv2D(
            768, 2, use_bias=False, kernel_initializer="he_normal", padding="valid"
        )
        _, norm = conv_bn(768)
        chain = [
            layers.ReLU(),
            layers.AveragePooling2D(pool_size, side - pool_size),
            *conv_bn(128),
            layers.ReLU(),
            last,
            norm,
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(num_classes, dtype="float32"),
        ]
        super().__init__(chain, **kwargs)
        self.side, self.num_classes = side, num_classes

    def get_config(self):
        config = {"side": self.side, "num_classes": self.num_classes}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("tfdyn")
class ConvolutionHead(Chain):
    """The head of MobileNetV2: 1x1 convolution, batch norm, ReLU6, pooling, dense.

    Args:
        filters: Channels of the convolution.
        num_classes: Number of classes.

    Input `(batch, height, width, channels)`, output logits
    `(batch, num_classes)`, float32.
    """

    kind = "head"

    def __init__(self, filters, num_classes, **kwargs):
        chain = [*conv_bn(filters), layers.ReLU(6.0), layers.GlobalAveragePooling2D()]
        super().__init__([*chain, layers.Dense(num_classes, dtype="float32")], **kwargs)
        self.filters, self.num_classes = filters, num_classes

    def get_config(self):
        config = {"filters": self.filters, "num_classes": self.num_classes}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("tfdyn")
class CategoryHeads(keras.layers.Layer):
    """The category heads of DMNN's routers, which exist in training only (eq. 9).

    Args:
        num_categories: K, number of categories.

    Input a list of states `(batch, units)`, one a router; output logits
    `(batch, routers, num_categories)`, float32.
    """

    def __init__(self, num_categories, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.num_categories, self.heads = num_categories, []

    def build(self, input_shape):
        self.heads = [
            layers.Dense(self.num_categories, dtype="float32") for _ in input_shape
        ]
        for head, shape in zip(self.heads, input_shape, strict=True):
            head.build(shape)

    def call(self, inputs):
        pairs = zip(self.heads, inputs, strict=True)
        return ops.stack([head(state) for head, state in pairs], axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], len(input_shape), self.num_categories)

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        return {**config, "num_categories": self.num_categories}
