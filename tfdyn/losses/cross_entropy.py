"""Cross-entropy of whole-number labels, an example at a time."""

import keras
from keras import ops


def cross_entropy(labels, logits, label_smoothing=0.0):
    """Returns the cross-entropy of each example.

    Args:
        labels: Integers `(...)`.
        logits: `(..., classes)`.
        label_smoothing: Between 0 and 1.

    Returns:
        Tensor `(...)`.
    """
    one_hot = ops.one_hot(labels, logits.shape[-1])
    return keras.losses.categorical_crossentropy(
        one_hot, logits, from_logits=True, label_smoothing=label_smoothing
    )
