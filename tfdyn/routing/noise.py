"""Noise: random numbers of a batch, the same on however many replicas it lies."""

import contextlib
import threading

import keras
from keras import ops

_scope = threading.local()


@contextlib.contextmanager
def scope(replicas, rows):
    """Inside, this thread's batch is one of `replicas` parts of a global batch.

    Args:
        replicas: Number of parts, all of one size.
        rows: Function from the part's size to the indices of its examples in the
            global batch, an integer tensor `(size,)`.
    """
    previous = getattr(_scope, "part", None)
    _scope.part = (replicas, rows)
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
    replicas, rows = part
    size, *rest = shape
    numbers = keras.random.uniform(
        (replicas * size, *rest), minval, dtype="float32", seed=seed
    )
    return ops.take(numbers, rows(size), axis=0)
