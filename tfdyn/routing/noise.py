"""Noise: random numbers of a batch, the same on however many replicas it lies."""

import contextlib
import threading

import keras
from keras import ops

_scope = threading.local()


@contextlib.contextmanager
def scope(replicas, rows, gather=None):
    """Inside, this thread's batch is one of `replicas` parts of a global batch.

    Args:
        replicas: Number of parts, all of one size.
        rows: Function from the part's size to the indices of its examples in the
            global batch, an integer tensor `(size,)`.
        gather: Function from a tensor of this part to those of all parts, concatenated
            in any order; `shuffled` needs it.
    """
    previous = getattr(_scope, "part", None)
    _scope.part = (replicas, rows, gather)
    try:
        yield
    finally:
        _scope.part = previous


def uniform(shape, seed, minval=0.0):
    """Draws uniform numbers in `[minval, 1)`, one for each place of a batch.

    In a `scope` they are drawn for the global batch (they are few) and this part's
    rows are returned: replicas that share a seed get different numbers, and
    together those that one device would draw.

    Args:
        shape: Shape of this part, the batch first.
        seed: `keras.random.SeedGenerator` or integer.
        minval: The smallest number.

    Returns:
        Float32 tensor of `shape`.
    """
    part = getattr(_scope, "part", None)
    if part is None:
        return keras.random.uniform(shape, minval, dtype="float32", seed=seed)
    replicas, rows, _ = part
    size, *rest = shape
    numbers = keras.random.uniform(
        (replicas * size, *rest), minval, dtype="float32", seed=seed
    )
    return ops.take(numbers, rows(size), axis=0)


def shuffled(values, seed):
    """Returns the rows of a batch in another order.

    In a `scope` it is the order that one device would draw for the global batch, and
    rows come from other parts too.

    Args:
        values: Tensor `(batch, ...)`, in a scope this part's.
        seed: `keras.random.SeedGenerator` or integer.
    """
    part, size = getattr(_scope, "part", None), ops.shape(values)[0]
    if part is None:
        draws = keras.random.uniform((size,), seed=seed)
        return ops.take(values, ops.argsort(draws), axis=0)
    replicas, rows, gather = part
    own = rows(size)
    # Where each row of the global batch lies among those gathered.
    places = ops.argsort(gather(own))
    order = ops.argsort(keras.random.uniform((replicas * size,), seed=seed))
    return ops.take(gather(values), ops.take(places, ops.take(order, own)), axis=0)
