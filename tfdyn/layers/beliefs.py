"""Beliefs: what a network believes about an image while it still computes."""

import math

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("tfdyn")
class Beliefs(keras.layers.Layer):
    """Classifies an image by the features at one place of the network.

    A router that reads how sure the network already is can leave out what would not
    change the answer. A look at features alone hardly tells. No gradient flows from
    the certainty into the classifier: it learns the classes alone.

    Input: pooled features `(batch, channels)`.
    Output: pair of float32 tensors: logits `(batch, num_classes)`; and the certainty
    `(batch, num_classes + 2)`, which is the probability of each class, the entropy
    divided by its largest value, and the lead of the first class over the second.

    Args:
        num_classes: Integer, number of classes, at least 2.
    """

    def __init__(self, num_classes, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.num_classes = num_classes
        self.classify = layers.Dense(num_classes, dtype="float32")

    def build(self, input_shape):
        self.classify.build(input_shape)

    def call(self, inputs):
        logits = self.classify(inputs)
        scores = ops.log_softmax(ops.stop_gradient(logits))
        probabilities = ops.exp(scores)
        entropy = -ops.sum(probabilities * scores, axis=-1, keepdims=True)
        first = ops.max(probabilities, axis=-1, keepdims=True)
        # Not `top_k`, which files for phones run outside their fast kernels.
        others = ops.where(probabilities < first, probabilities, 0.0)
        lead = first - ops.max(others, axis=-1, keepdims=True)
        share = entropy / math.log(self.num_classes)
        return logits, ops.concatenate([probabilities, share, lead], axis=-1)

    def compute_output_shape(self, input_shape):
        batch = input_shape[0]
        return (batch, self.num_classes), (batch, self.num_classes + 2)

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        return {**config, "num_classes": self.num_classes}
