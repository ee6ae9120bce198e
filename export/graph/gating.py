"""Gating: how a device runs the branches of a MixedOp, one image at a time.

The functions are executions (`tfdyn.layers.execution`). `tfdyn.layers.execution.scope`
sets one of them while a graph is traced with a batch of 1.
"""

import tensorflow as tf

from tfdyn.layers import execution, quantization, sharing


def gated(branches, inputs, weights, initial=None, always=(), binary=False):
    """Runs each branch whose weight is not zero, each inside its own `tf.cond`.

    The sum is a chain: a gate adds the output of its branch, or returns the sum
    unchanged. A gate that returned zeros would store a tensor of zeros for each branch.

    Args:
        branches: List of layers that map `inputs` to one output shape.
        inputs: Tensor `(1, ...)`.
        weights: Tensor `(1, branches)`.
        initial: Tensor of the outputs' shape that the sum starts from. With `None` it
            starts from 0.
        always: List of the branches that run without a gate, whatever their weight.
        binary: Whether all weights are 0 or 1. A gate then skips the multiplication.

    Returns:
        Tensor `(1, ...)`.
    """
    gates = tf.unstack(tf.reshape(weights != 0, (-1,)))
    weights = tf.unstack(tf.reshape(weights, (-1,)))
    outputs, behind_gates = initial, []
    for branch, weight, gate in zip(branches, weights, gates, strict=True):
        if any(branch is layer for layer in always):
            term = execution.weighted(sharing.call(branch, inputs), weight, branch)
            outputs = term if outputs is None else outputs + term
            outputs = quantization.point(outputs, branches[0], "sum")
        else:
            behind_gates.append((branch, weight, gate))
    if outputs is None:
        outputs = _zeros(branches[0], inputs, weights[0])
    outputs = quantization.point(outputs, branches[0], "sum")
    for branch, weight, gate in behind_gates:

        def run(outputs=outputs, branch=branch, weight=weight):
            again = quantization.current().again
            with sharing.scope():  # Tensors of a `tf.cond` cannot be used outside it.
                term = branch(again(inputs))
            if not binary:
                term = execution.weighted(term, weight, branch)
            return quantization.point(again(outputs) + term, branches[0], "sum")

        outputs = tf.cond(gate, run, lambda outputs=outputs: outputs)
        outputs = quantization.point(outputs, branches[0], "sum")
    return outputs


def ungated(branches, inputs, weights, initial=None):
    """Runs the branches without gates.

    If the weights are constants, branches of weight 0 are left out of the graph, and
    branches of weight 1 are not multiplied. Arguments and result are those of `gated`.
    """
    values = tf.get_static_value(weights)
    if values is None:
        # They are an output too: there, 8 bits would make the small ones 0.
        weights = quantization.exact(weights)
    values = [None] * len(branches) if values is None else values[0]
    weights = tf.unstack(tf.reshape(weights, (-1,)))
    outputs = execution.sum_of_known(branches, inputs, weights, values, initial)
    return _zeros(branches[0], inputs, weights[0]) if outputs is None else outputs


def unweighted(branches, inputs, weights, initial=None):
    """Runs all branches without gates, as if all weights were 1.

    Arguments and result are those of `gated`.
    """
    return ungated(branches, inputs, tf.ones((1, len(branches))), initial)


def _zeros(branch, inputs, weight):
    """Returns zeros of the outputs' shape.

    They depend on `weight`, so that the file does not store them as a constant.
    """
    shape = branch.compute_output_shape(inputs.shape)
    return tf.fill(shape, 0 * tf.cast(weight, inputs.dtype))
