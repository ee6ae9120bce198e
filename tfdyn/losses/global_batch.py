"""Means over a global batch, of which each replica of a training has one part."""

import keras
from keras import ops


def mean(values):
    """Returns the mean over the images of the global batch.

    A loss that is not linear in the mean of a batch needs this function. For instance,
    the square of a mean differs from the mean of the squares that the replicas would
    compute. Gradients flow to the values of all replicas.

    Args:
        values: Tensor `(batch, ...)`, the part of this replica. All parts have the same
            size.

    Returns:
        Tensor `(...)`, the same on all replicas.
    """
    means = ops.mean(values, axis=0)
    if keras.backend.backend() != "tensorflow":
        return means
    import tensorflow as tf  # Here, because this file must also work on JAX.

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return means
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, means)
