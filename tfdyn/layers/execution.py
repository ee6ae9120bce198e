"""Executions: several ways to run the branches of a MixedOp.

An execution is a function `(branches, inputs, weights, initial) -> outputs` that
computes `initial + sum_b weights[:, b] * branches[b](inputs)`. A branch whose weight is
0 adds nothing, so an execution may skip it. All executions have the same result.
"""

import contextlib
import functools
import threading
from collections.abc import Callable

import keras
from keras import ops

from tfdyn.layers import quantization, sharing


def dense(branches: list[keras.Layer], inputs, weights, initial=None):
    """Runs every branch on the whole batch.

    Args:
        branches: Layers with outputs of the same shape.
        inputs: Tensor `(batch, ...)`, the input of each branch.
        weights: Tensor `(batch, branches)`.
        initial: Tensor of the shape of the outputs, to which the sum is added. With
            `None` the sum starts from 0.

    Returns:
        Tensor `(batch, ...)` of the shape and type of a branch's output.
    """
    outputs = initial
    for branch, weight in zip(branches, ops.unstack(weights, axis=-1), strict=True):
        term = _scale(sharing.call(branch, inputs), weight)
        outputs = term if outputs is None else outputs + term
    return outputs


def dispatched(branches: list[keras.Layer], inputs, weights, initial=None):
    """Runs each branch on the images of the batch whose weight for it is not 0.

    Arguments and return value are those of `dense`. The number of images that a branch
    runs depends on the data. Therefore this execution works eagerly on every backend
    and in a `tf.function`, but not in code that JAX compiles.
    """
    outputs = initial
    if outputs is None:
        outputs = zeros(branches, inputs)
    for index, branch in enumerate(branches):
        weight = weights[:, index]
        (rows,) = ops.nonzero(weight != 0)
        # TensorFlow's depthwise convolution fails on an empty batch.
        outputs = ops.cond(
            ops.shape(rows)[0] > 0,
            functools.partial(_add_rows, outputs, branch, inputs, weight, rows),
            lambda outputs=outputs: outputs,
        )
    return outputs


def _add_rows(outputs, branch, inputs, weights, rows):
    """Adds the outputs of a branch for some rows of the batch.

    Args:
        outputs: Tensor `(batch, ...)`, the sum so far.
        branch: Keras layer.
        inputs: Tensor `(batch, ...)`.
        weights: Tensor `(batch,)`, the branch's weight for each image.
        rows: Integer tensor `(n,)`, indices of the images that run the branch.

    Returns:
        Tensor of the shape of `outputs`.
    """
    # Tensors of an `ops.cond` cannot be used outside it, so they must not be shared.
    with sharing.scope():
        branch_outputs = branch(ops.take(inputs, rows, axis=0))
    terms = _scale(branch_outputs, ops.take(weights, rows, axis=0))
    rows = ops.expand_dims(rows, -1)
    return ops.scatter_update(outputs, rows, terms, reduction="add")


def fixed(route: dict, mixed_ops: list) -> Callable:
    """Returns an execution of a route that is known before anything is computed.

    Branches of weight 0 are left out, and branches of weight 1 are not multiplied.

    Args:
        route: Mapping from MixedOp names to arrays `(1, branches)`, the same weights
            for all images.
        mixed_ops: List of the MixedOps that it is for.
    """
    known = {id(op.branches[0]): route[op.name][0] for op in mixed_ops}

    def run(branches, inputs, weights, initial=None):
        values = known[id(branches[0])].tolist()
        outputs = sum_of_known(branches, inputs, values, values, initial)
        return zeros(branches, inputs) if outputs is None else outputs

    return run


def sum_of_known(branches, inputs, weights, values, initial=None):
    """Sums the outputs of branches, some of whose weights may be known beforehand.

    Branches of weight 0 are left out, and branches of weight 1 are not multiplied.

    Args:
        branches: Layers with outputs of the same shape.
        inputs: Tensor `(batch, ...)`, the input of each branch.
        weights: List of scalars, one for each branch and the same for all images.
        values: List of the weights as numbers; `None` for those that are not known.
        initial: Tensor of the shape of the outputs, to which the sum is added, or
            `None`.

    Returns:
        Tensor `(batch, ...)`, or `initial` if no branch runs.
    """
    outputs = initial
    for branch, weight, value in zip(branches, weights, values, strict=True):
        if value == 0:
            continue
        term = sharing.call(branch, inputs)
        if value != 1:
            term = weighted(term, weight, branch)
        outputs = term if outputs is None else outputs + term
        outputs = quantization.point(outputs, branches[0], "sum")
    return outputs


def weighted(outputs, weight, branch):
    """Returns the outputs of a branch times its weight, the same for all images.

    Args:
        outputs: Tensor `(batch, ...)`.
        weight: Scalar tensor.
        branch: Layer of the branch.
    """
    weight = quantization.point(ops.cast(weight, outputs.dtype), branch, "weight")
    return quantization.point(outputs * weight, branch, "weighted")


def zeros(branches, inputs):
    """Returns zeros of the shape and type of a branch's output.

    Args:
        branches: Layers with outputs of the same shape; at least one.
        inputs: Tensor `(batch, ...)`, their input.
    """
    shape = branches[0].compute_output_shape(inputs.shape)
    shape = (ops.shape(inputs)[0], *shape[1:])
    return ops.zeros(shape, branches[0].compute_dtype)


def _scale(outputs, weights):
    """Multiplies the outputs `(batch, ...)` of each image by its weight, `(batch,)`."""
    shape = (-1,) + (1,) * (len(outputs.shape) - 1)
    return outputs * ops.reshape(ops.cast(weights, outputs.dtype), shape)


_scope = threading.local()


def current() -> Callable:
    """Returns the execution of the innermost `scope`, or `dense` outside all scopes."""
    return getattr(_scope, "execution", dense)


@contextlib.contextmanager
def scope(execution: Callable):
    """Sets the execution of all MixedOps that are called or traced in a `with` block.

    It holds for the current thread only.

    ```python
    with execution.scope(execution.dispatched):
        outputs = model(images)
    ```

    Args:
        execution: `dense`, `dispatched` or another function with their arguments.
    """
    previous = current()
    _scope.execution = execution
    try:
        yield
    finally:
        _scope.execution = previous
