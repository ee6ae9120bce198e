"""Noise: random numbers for a batch that do not depend on the number of replicas."""

import contextlib
import threading
from collections.abc import Callable

import keras
from keras import ops

_scope = threading.local()


@contextlib.contextmanager
def scope(replicas: int, rows: Callable, gather: Callable | None = None):
    """Declares, for a `with` block, that batches are parts of a global batch.

    It holds for the current thread only. Each replica of a training has one part.

    Args:
        replicas: Number of parts of the global batch. All have the same size.
        rows: Function that is called with the number of images in a part. It returns
            the indices of the images of this part in the global batch, an integer
            tensor `(size,)`.
        gather: Function that is called with a tensor `(size, ...)` of this part. It
            returns the tensors of all parts, concatenated in any order that is the same
            in each call. Only `shuffled` needs it.
    """
    previous = getattr(_scope, "part", None)
    _scope.part = (replicas, rows, gather)
    try:
        yield
    finally:
        _scope.part = previous


def uniform(shape, seed: int | keras.random.SeedGenerator, minval: float = 0.0):
    """Draws uniform random numbers in `[minval, 1)`.

    In a `scope`, each replica draws the numbers of the global batch, which is cheap,
    and returns the rows of its part. All replicas must use the same seed. Each then has
    different numbers, and together they have the numbers that one device would draw.

    Args:
        shape: Shape of the result for this part: `(batch, ...)`.
        seed: `keras.random.SeedGenerator` or integer.
        minval: The smallest number that can be drawn.

    Returns:
        Float32 tensor of `shape`.
    """
    part = getattr(_scope, "part", None)
    if part is None:
        return keras.random.uniform(shape, minval, dtype="float32", seed=seed)
    replicas, rows, _ = part
    size, *row_shape = shape
    numbers = keras.random.uniform(
        (replicas * size, *row_shape), minval, dtype="float32", seed=seed
    )
    return ops.take(numbers, rows(size), axis=0)


def shuffled(values, seed: int | keras.random.SeedGenerator):
    """Returns the rows of a batch in random order.

    In a `scope` the global batch is shuffled, in the order that one device would draw.
    Each part then also gets rows of the parts of other replicas.

    Args:
        values: Tensor `(batch, ...)`; in a scope, the values of this part.
        seed: `keras.random.SeedGenerator` or integer.

    Returns:
        Tensor of the shape of `values`.
    """
    part, size = getattr(_scope, "part", None), ops.shape(values)[0]
    if part is None:
        draws = keras.random.uniform((size,), seed=seed)
        return ops.take(values, ops.argsort(draws), axis=0)
    replicas, rows, gather = part
    part_rows = rows(size)
    # For each row of the global batch, its index in what `gather` returns.
    places = ops.argsort(gather(part_rows))
    order = ops.argsort(keras.random.uniform((replicas * size,), seed=seed))
    sources = ops.take(places, ops.take(order, part_rows))
    shuffled_values = ops.take(gather(values), sources, axis=0)
    # TensorFlow forgets the shape of what it gathers.
    return ops.reshape(shuffled_values, ops.shape(values))
