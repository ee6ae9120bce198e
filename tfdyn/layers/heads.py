"""Heads: from feature maps to the logits of the classes."""

import keras
from keras import layers

from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn


@keras.saving.register_keras_serializable("tfdyn")
class ClassifierHead(Chain):
    """Global average pooling and a dense layer.

    Input: tensor `(batch, height, width, channels)`.
    Output: logits `(batch, num_classes)`, float32.

    Args:
        num_classes: Integer, number of classes.
    """

    kind = "head"

    def __init__(self, num_classes, **kwargs):
        dense = layers.Dense(num_classes, dtype="float32")
        super().__init__([layers.GlobalAveragePooling2D(), dense], **kwargs)
        self.num_classes = num_classes

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable("tfdyn")
class ConvolutionHead(Chain):
    """The head of MobileNetV2: 1x1 convolution, batch norm, ReLU6, pooling, dense.

    Input: tensor `(batch, height, width, channels)`.
    Output: logits `(batch, num_classes)`, float32.

    Args:
        filters: Integer, number of output channels of the convolution.
        num_classes: Integer, number of classes.
    """

    kind = "head"

    def __init__(self, filters, num_classes, **kwargs):
        chain = [*conv_bn(filters), layers.ReLU(6.0), layers.GlobalAveragePooling2D()]
        super().__init__([*chain, layers.Dense(num_classes, dtype="float32")], **kwargs)
        self.filters, self.num_classes = filters, num_classes

    def get_config(self):
        config = {"filters": self.filters, "num_classes": self.num_classes}
        return {**super().get_config(), **config}
