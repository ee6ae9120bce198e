"""Cross-entropy of integer labels, for each image of a batch."""

import keras
from keras import ops


def cross_entropy(labels, logits, label_smoothing: float = 0.0):
    """Returns the cross-entropy of each image.

    Args:
        labels: Integer tensor `(...)`, often `(batch,)`.
        logits: Tensor `(..., classes)`.
        label_smoothing: Share of a label that is spread evenly over all classes, from
            0 to 1.

    Returns:
        Tensor of the shape of `labels`. A label that is no class costs NaN.
    """
    classes = logits.shape[-1]
    one_hot = ops.one_hot(labels, classes)
    losses = keras.losses.categorical_crossentropy(
        one_hot, logits, from_logits=True, label_smoothing=label_smoothing
    )
    valid = ops.logical_and(labels >= 0, labels < classes)
    return ops.where(valid, losses, float("nan"))
