"""The seam: how the branches of a MixedOp are run.

An execution is a function `(branches, inputs, weights, initial) -> outputs` that
computes `initial + sum_b weights[:, b] * branches[b](inputs)`. A branch whose
weight is zero adds nothing, so an execution may skip it; all give one result.
"""

import contextlib
import functools
import threading

from keras import ops

from tfdyn.layers import sharing


def dense(branches, inputs, weights, initial=None):
    """Runs every branch on the whole batch.

    Args:
        branches: Layers that map `inputs` to one output shape.
        inputs: Tensor `(batch, ...)`.
        weights: Tensor `(batch, branches)`.
        initial: Tensor of the outputs' shape that the sum starts from, or `None`.

    Returns:
        Tensor `(batch, ...)`.
    """
    outputs = initial
    for branch, weight in zip(branches, ops.unstack(weights, axis=-1), strict=True):
        term = _scale(sharing.call(branch, inputs), weight)
        outputs = term if outputs is None else outputs + term
    return outputs


def dispatched(branches, inputs, weights, initial=None):
    """Runs each branch on the rows of the batch whose weight is not zero.

    Arguments and result are those of `dense`. The number of rows depends on the
    data: it runs eagerly on every backend, and in a `tf.function`.
    """
    outputs = initial
    if outputs is None:
        shape = branches[0].compute_output_shape(inputs.shape)
        outputs = ops.zeros((ops.shape(inputs)[0], *shape[1:]), inputs.dtype)
    for index, branch in enumerate(branches):
        weight = weights[:, index]
        (rows,) = ops.nonzero(weight != 0)
        # TensorFlow's depthwise convolution errs on the shape of an empty batch.
        outputs = ops.cond(
            ops.shape(rows)[0] > 0,
            functools.partial(_add_rows, outputs, branch, inputs, weight, rows),
            lambda outputs=outputs: outputs,
        )
    return outputs


def _add_rows(outputs, branch, inputs, weights, rows):
    with sharing.scope():  # What is made in here is of no use outside.
        chosen = branch(ops.take(inputs, rows, axis=0))
    terms = _scale(chosen, ops.take(weights, rows, axis=0))
    rows = ops.expand_dims(rows, -1)
    return ops.scatter_update(outputs, rows, terms, reduction="add")


def _scale(outputs, weights):
    shape = (-1,) + (1,) * (len(outputs.shape) - 1)
    return outputs * ops.reshape(ops.cast(weights, outputs.dtype), shape)


_scope = threading.local()


def current():
    """Returns the execution in force: `dense`, unless `scope` set another."""
    return getattr(_scope, "execution", dense)


@contextlib.contextmanager
def scope(execution):
    """Runs the MixedOps that are called (or traced) inside by `execution`.

    ```python
    with execution.scope(execution.dispatched):
        outputs = model(images)
    ```
    """
    previous = current()
    _scope.execution = execution
    try:
        yield
    finally:
        _scope.execution = previous
