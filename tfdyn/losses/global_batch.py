"""Global batch: means over all of a batch, of which each replica has a part."""

import keras
from keras import ops


def mean(values):
    """Returns the mean over the first axis, and over the replicas of a training.

    What is not linear in a batch's mean needs it: the square of the mean is not the
    mean of the replicas' squares. Replicas have parts of one size; gradients reach all.

    Args:
        values: Tensor `(batch, ...)`, this replica's part.

    Returns:
        Tensor `(...)`, the same on all replicas.
    """
    means = ops.mean(values, axis=0)
    if keras.backend.backend() != "tensorflow":
        return means
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return means
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, means)
