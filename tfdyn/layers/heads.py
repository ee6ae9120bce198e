"""Heads: layers that turn feature maps into the logits of the classes."""

import keras
from keras import layers

from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn


@keras.saving.register_keras_serializable("tfdyn")
class ClassifierHead(Chain):
    """Computes logits by global average pooling and a dense layer.

    Input: tensor `(batch, height, width, channels)`.
    Output: logits `(batch, num_classes)`, float32.

    Args:
        num_classes: Integer, number of classes.
    """

    kind = "head"

    def __init__(self, num_classes, **kwargs):
        dense = layers.Dense(num_classes, dtype="float32")
        super().__init__(
            [layers.GlobalAveragePooling2D(data_format="channels_last"), dense],
            **kwargs,
        )
        self.num_classes = num_classes

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable("tfdyn")
class ConvolutionHead(Chain):
    """Computes logits as MobileNetV2 does (Sandler et al., 2018, table 2).

    Its layers are a 1x1 convolution, batch norm, ReLU6, global average pooling and a
    dense layer.

    Input: tensor `(batch, height, width, channels)`.
    Output: logits `(batch, num_classes)`, float32.

    Args:
        filters: Integer, number of output channels of the convolution.
        num_classes: Integer, number of classes.
    """

    kind = "head"

    def __init__(self, filters, num_classes, **kwargs):
        chain = [
            *conv_bn(filters),
            layers.ReLU(6.0),
            layers.GlobalAveragePooling2D(data_format="channels_last"),
        ]
        super().__init__([*chain, layers.Dense(num_classes, dtype="float32")], **kwargs)
        self.filters, self.num_classes = filters, num_classes

    def get_config(self):
        config = {"filters": self.filters, "num_classes": self.num_classes}
        return {**super().get_config(), **config}
