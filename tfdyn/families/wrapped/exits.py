"""Exits: heads inside a network, and the decision whether an image goes on."""

import keras
from keras import layers, ops

from tfdyn.layers import quantization
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn, depthwise
from tfdyn.layers.mixed_op import MixedOp


@keras.saving.register_keras_serializable("tfdyn")
class ExitHead(Chain):
    """Computes logits from a feature map in the middle of a network.

    A dense layer alone reads little from early maps: behind 54 % of the MACs of a
    ResNet-32 it is right for 51 % of CIFAR-10's test images, three of the convolutions
    below for 81 % (RESULTS.md).
    Its layers are four separable convolutions (3x3 depthwise, 1x1, batch norm, ReLU)
    with F, F, 2F and 2F channels, global average pooling and a dense layer. The
    classifiers of MSDNet (Huang et al., 2018, section 4) have two plain convolutions:
    no more accurate here, with four times the MACs.

    Input: tensor `(batch, height, width, channels)`.
    Output: logits `(batch, num_classes)`, float32.

    Args:
        num_classes: Integer, number of classes.
        filters: Integer F; 0 for a head without convolutions.
        strides: Four integers, the strides of the convolutions.
    """

    kind = "head"

    def __init__(self, num_classes, filters=0, strides=(2, 1, 2, 1), **kwargs):
        chain = []
        widths = (filters, filters, 2 * filters, 2 * filters) if filters else ()
        for width, stride in zip(widths, strides, strict=False):
            chain += [depthwise(3, stride), *conv_bn(width), layers.ReLU()]
        pool = layers.GlobalAveragePooling2D(data_format="channels_last")
        dense = layers.Dense(num_classes, dtype="float32")
        super().__init__([*chain, pool, dense], **kwargs)
        self.num_classes, self.filters, self.strides = num_classes, filters, strides

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "filters": self.filters,
            "strides": self.strides,
        }


@keras.saving.register_keras_serializable("tfdyn")
class Exit(keras.layers.Layer):
    """Replaces the logits by those of its head, for the images that come so far.

    Args:
        head: Layer that computes logits `(batch, classes)` from a feature map.
        first: Boolean, whether all images come to this exit.

    Call arguments:
        inputs: Feature map `(batch, height, width, channels)`.
        logits: Logits `(batch, classes)` of the exits before; `None` at the first one.
        weights: Mapping from the name of its MixedOp, which the first exit does not
            have, to weights `(batch, 1)`: 1 for the images that come here, else 0.
    """

    def __init__(self, head, first=False, **kwargs):
        super().__init__(**{"autocast": False, **kwargs})
        # A layer in two attributes would be two modules.
        self.always = head if first else None
        self.mixed_op = None if first else MixedOp([head], name=self.name)

    @property
    def head(self) -> keras.Layer:
        """The layer that computes the logits."""
        return self.always or self.mixed_op.branches[0]

    def build(self, input_shape):
        (self.always or self.mixed_op).build(input_shape)

    def call(self, inputs, logits, weights):
        if self.always:
            return self.always(inputs)
        weight = weights[self.mixed_op.name]
        # All images may come here: then what was before is 0, and has no range.
        logits = quantization.point(logits, self, "before")
        before = logits * (1.0 - ops.cast(weight, logits.dtype))
        before = quantization.point(before, self, "before")
        return self.mixed_op(inputs, weight, initial=before)

    def get_config(self):
        head = keras.saving.serialize_keras_object(self.head)
        return {**super().get_config(), "head": head, "first": bool(self.always)}

    @classmethod
    def from_config(cls, config):
        head = keras.saving.deserialize_keras_object(config["head"])
        return cls(**{**config, "head": head})


def goes_on(logits, threshold):
    """Returns which images go on after an exit.

    Args:
        logits: Logits `(batch, classes)` of the exit.
        threshold: T, a scalar. An image goes on if its largest probability is below T;
            with T=1 all images do.

    Returns:
        Float32 tensor `(batch, 1)`: 1 for an image that goes on, else 0.
    """
    probabilities = quantization.exact(ops.softmax(ops.cast(logits, "float32")))
    confidence = ops.max(probabilities, axis=-1, keepdims=True)
    go_on = ops.logical_or(confidence < threshold, threshold >= 1.0)
    return ops.cast(go_on, "float32")
