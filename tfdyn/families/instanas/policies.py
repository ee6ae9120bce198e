"""Policies: which modules of all cells run for each image (InstaNAS section 3.3).

A policy is a float32 tensor `(batch, cells, modules)`: 1 for a module that runs, else
0. The probabilities of modules to run are a tensor of the same shape. All functions are
written in `keras.ops`.
"""

import keras
from keras import ops

from tfdyn.routing.noise import uniform


def exploration_probabilities(probabilities, alpha: float):
    """Moves probabilities towards 0.5: `alpha * p + (1 - alpha) * (1 - p)`.

    Args:
        probabilities: Tensor p `(batch, cells, modules)`.
        alpha: Encouragement parameter, from 0.5 to 1. With 0.5 all are 0.5; with 1
            they stay as they are.

    Returns:
        Tensor `(batch, cells, modules)`.
    """
    return alpha * probabilities + (1.0 - alpha) * (1.0 - probabilities)


def sample(probabilities, seed: int | keras.random.SeedGenerator):
    """Draws a policy: each module runs with its probability.

    Args:
        probabilities: Tensor `(batch, cells, modules)`, in [0, 1].
        seed: `keras.random.SeedGenerator` or integer.

    Returns:
        Policy, float32 tensor `(batch, cells, modules)`.
    """
    draws = uniform(ops.shape(probabilities), seed)
    return ops.cast(draws < probabilities, "float32")


def with_fallback(policy, fallback):
    """Adds the fallback module to each cell that has no selected module.

    Args:
        policy: Policy, tensor `(batch, cells, modules)`.
        fallback: Array `(cells, modules)`: 1 for the fallback module of a cell, else 0.
            A cell that can pass its input on has zeros only.

    Returns:
        Policy that all cells can run, float32 tensor `(batch, cells, modules)`.
    """
    none = ops.cast(ops.sum(policy, axis=-1, keepdims=True) == 0, "float32")
    return policy + none * ops.cast(fallback, "float32")


def log_probability(policy, probabilities):
    """Returns the log of the probability of drawing a policy (the sum in eq. 1).

    Args:
        policy: Policy as drawn, without fallbacks, tensor `(batch, cells, modules)`.
        probabilities: Tensor `(batch, cells, modules)` that it was drawn from, in
            (0, 1).

    Returns:
        Float32 tensor `(batch,)`.
    """
    probabilities = ops.where(policy > 0, probabilities, 1.0 - probabilities)
    return ops.sum(ops.log(probabilities + 1e-12), axis=(1, 2))


def entropy(probabilities):
    """Returns the entropy of the probabilities of each image, summed over modules.

    Args:
        probabilities: Tensor `(batch, cells, modules)`, in [0, 1].

    Returns:
        Float32 tensor `(batch,)`, in nats.
    """
    off = 1.0 - probabilities
    terms = probabilities * ops.log(probabilities + 1e-12) + off * ops.log(off + 1e-12)
    return -ops.sum(terms, axis=(1, 2))


def one_sided_entropy(probabilities):
    """Returns the sum of -p' log p' over the modules of each image.

    This is the entropy of the authors' code (`search.py` of AnjieCheng/InstaNAS). It
    lacks the term of the modules that do not run. So it is highest not at 0.5 but at
    p' = 1/e = 0.37.

    Args:
        probabilities: Tensor p' `(batch, cells, modules)`, in [0, 1], as from
            `exploration_probabilities`.

    Returns:
        Float32 tensor `(batch,)`, in nats.
    """
    terms = probabilities * ops.log(probabilities + 1e-12)
    return -ops.sum(terms, axis=(1, 2))


def sameness(policy):
    """Returns the share of pairs of images that have the same policy.

    With 1, all images of the batch have the same policy: the search has collapsed.

    Args:
        policy: Policy, tensor `(batch, cells, modules)`.

    Returns:
        Float32 scalar from 0 to 1; 0 for a batch of one image.
    """
    count, size = ops.shape(policy)[0], policy.shape[1] * policy.shape[2]
    signs = 2.0 * ops.reshape(policy, (-1, size)) - 1.0
    # Two rows are the same if the products of their signs sum to the number of modules.
    agree = ops.matmul(signs, ops.transpose(signs)) > size - 1.0
    pairs = ops.sum(ops.cast(agree, "float32")) - ops.cast(count, "float32")
    return pairs / ops.cast(ops.maximum(count * (count - 1), 1), "float32")
