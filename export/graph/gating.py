"""Routed: how a device runs the branches of a MixedOp, one image at a time.

Both are executions (`tfdyn.layers.execution`), in force while a graph is traced with a
batch of 1. They know branches and weights, and no network.
"""

import tensorflow as tf

from tfdyn.layers import sharing


def gated(branches, inputs, weights, initial=None, always=(), binary=False):
    """Runs each branch inside its own `tf.cond`, where its weight is not zero.

    The sum is a chain: a gate adds its branch or passes the sum on. A gate that gave
    zeros would need a tensor of them stored for each branch.

    Args:
        branches: As for `tfdyn.layers.execution.dense`.
        inputs: Likewise.
        weights: Likewise.
        initial: Likewise.
        always: Branches that run without a gate, whatever their weight.
        binary: Whether weights are 0 or 1: what a gate adds is then not multiplied.

    Returns:
        As `tfdyn.layers.execution.dense`.
    """
    gates = tf.unstack(tf.reshape(weights != 0, (-1,)))
    weights = tf.unstack(tf.reshape(weights, (-1,)))
    outputs, rest = initial, []
    for branch, weight, gate in zip(branches, weights, gates, strict=True):
        if any(branch is one for one in always):
            term = sharing.call(branch, inputs) * tf.cast(weight, inputs.dtype)
            outputs = term if outputs is None else outputs + term
        else:
            rest.append((branch, weight, gate))
    if outputs is None:
        outputs = _zeros(branches[0], inputs, weights[0])
    for branch, weight, gate in rest:

        def run(outputs=outputs, branch=branch, weight=weight):
            with sharing.scope():  # What is made in here is of no use outside.
                term = branch(inputs)
            return outputs + (term if binary else term * tf.cast(weight, term.dtype))

        outputs = tf.cond(gate, run, lambda outputs=outputs: outputs)
    return outputs


def ungated(branches, inputs, weights, initial=None):
    """Runs the branches without gates: all, or those of a route known in advance.

    Arguments and result are those of `tfdyn.layers.execution.dense`. Where the weights
    are constants, branches of weight 0 are left out, and those of weight 1 not scaled.
    """
    known = tf.get_static_value(weights)
    known = [None] * len(branches) if known is None else known[0]
    outputs = initial
    weights = tf.unstack(tf.reshape(weights, (-1,)))
    for branch, weight, value in zip(branches, weights, known, strict=True):
        if value == 0:
            continue
        term = sharing.call(branch, inputs)
        if value != 1:
            term *= tf.cast(weight, term.dtype)
        outputs = term if outputs is None else outputs + term
    return _zeros(branches[0], inputs, weights[0]) if outputs is None else outputs


def unweighted(branches, inputs, weights, initial=None):
    """Runs all branches, without gates, where all weights are known to be 1.

    Arguments and result are those of `tfdyn.layers.execution.dense`.
    """
    return ungated(branches, inputs, tf.ones((1, len(branches))), initial)


def _zeros(branch, inputs, weight):
    """Zeros of the shape of the outputs, made when run: a constant would be stored."""
    shape = branch.compute_output_shape(inputs.shape)
    return tf.fill(shape, 0 * tf.cast(weight, inputs.dtype))
