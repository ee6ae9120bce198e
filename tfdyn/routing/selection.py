"""Selection: functions that compute the weights of branches from a router's logits.

Functions for DRNet take and return tensors `(..., branches)`, whose last axis holds the
branches of one connection. Functions for DMNN and InstaNAS take and return tensors
`(..., gates)`, where each gate decides about one branch. All use only `keras.ops`.
"""

import keras
from keras import ops

from tfdyn.routing.noise import uniform

# How weights are computed in training: a softmax of logits with Gumbel noise, a softmax
# of logits without noise, or no router at all.
METHODS = ("gumbel_softmax", "softmax", "none")
# A softmax may underflow to 0. With T=1 all branches must run, so no weight may be 0.
SMALLEST_WEIGHT = 1e-30
# So low that the softmax gives a dropped branch a weight of 0.
DROPPED_SCORE = -1e9


def gumbel_noise(shape, seed: int | keras.random.SeedGenerator):
    """Draws Gumbel(0, 1) noise (DRNet section 3.2, below eq. 4).

    Args:
        shape: Shape of the noise, `(batch, ...)`.
        seed: `keras.random.SeedGenerator` or integer.

    Returns:
        Float32 tensor of `shape`.
    """
    return -ops.log(-ops.log(uniform(shape, seed, minval=1e-20)))


def branch_scores(logits, temperature, noise=None):
    """Computes the scores `(logits + noise) / temperature`, as in DRNet's eq. 4.

    The softmax of the scores is the weights of the branches.

    Args:
        logits: Tensor `(..., branches)`, outputs of a router.
        temperature: Number, scalar tensor or variable above 0, DRNet's tau.
        noise: Gumbel noise, a tensor of the shape of `logits`, or `None` for scores
            without noise.

    Returns:
        Float32 tensor of the shape of `logits`.
    """
    logits = ops.cast(logits, "float32")
    if noise is not None:
        logits = logits + noise
    return logits / temperature


def drop_branches(scores, rate, seed: int | keras.random.SeedGenerator):
    """Drops branches at random, for each image (DRNet section 4.1).

    At least one branch of each connection stays. Branches are dropped before the
    softmax, so that the weights of the other branches still sum to 1.

    Args:
        scores: Tensor `(..., branches)`, as `branch_scores` returns it.
        rate: Number, scalar tensor or variable in [0, 1], the probability with which
            each branch is dropped.
        seed: `keras.random.SeedGenerator` or integer.

    Returns:
        Tensor of the shape of `scores`. The scores of dropped branches are so low that
        the softmax returns 0 for them.
    """
    draws = uniform(ops.shape(scores), seed)
    is_largest = draws >= ops.max(draws, axis=-1, keepdims=True)
    keep = ops.logical_or(draws >= rate, is_largest)
    return ops.where(keep, scores, DROPPED_SCORE)


def drop_connections(weights, rate, seed: int | keras.random.SeedGenerator):
    """Drops whole connections at random, for each image (DRNet section 4.1).

    As in DARTS's drop-path, the weights of the other connections are multiplied by
    `1 / (1 - rate)`.

    Args:
        weights: Tensor `(..., branches)`, weights of branches.
        rate: Number, scalar tensor or variable in [0, 1), the probability with which
            each connection is dropped.
        seed: `keras.random.SeedGenerator` or integer.

    Returns:
        Tensor of the shape of `weights`, 0 for the branches of dropped connections.
    """
    shape = ops.shape(weights)[:-1] + (1,)
    draws = uniform(shape, seed)
    return weights * ops.cast(draws >= rate, weights.dtype) / (1.0 - rate)


def threshold_route(weights, threshold):
    """Selects the smallest set of branches with weights that sum to at least T.

    See DRNet section 3.3 and ISBNet eq. 6. No sort is needed: a branch is in the set if
    the larger weights of its connection sum to less than T. Of two equal weights, that
    of the smaller index counts as the larger one. The weights of the selected branches
    are divided by their sum.

    Args:
        weights: Tensor `(..., connections, branches)`. The weights of each connection
            sum to 1.
        threshold: T in (0, 1], a number or a tensor `(connections,)`. T=1 selects all
            branches.

    Returns:
        Float32 tensor of the shape of `weights`, the weights of the route: 0 if a
        branch does not run. At least one branch of each connection runs.
    """
    weights = ops.maximum(ops.cast(weights, "float32"), SMALLEST_WEIGHT)
    threshold = ops.expand_dims(ops.cast(threshold, "float32"), -1)
    # Axes of comparisons: (..., connections, branch, branch that may be ahead of it).
    columns, rows = ops.expand_dims(weights, -1), ops.expand_dims(weights, -2)
    index = ops.arange(weights.shape[-1])
    earlier = ops.expand_dims(index, 0) < ops.expand_dims(index, 1)
    ahead = ops.logical_or(rows > columns, ops.logical_and(rows == columns, earlier))
    weight_ahead = ops.sum(ops.where(ahead, rows, 0.0), axis=-1)
    selected = ops.logical_or(weight_ahead < threshold, threshold >= 1.0)
    route = ops.where(selected, weights, 0.0)
    return route / ops.sum(route, axis=-1, keepdims=True)


def threshold_gates(off, threshold):
    """Opens each gate whose probability of being shut is below T.

    A branch runs if its gate is open. T=0.5 is the argmax of DMNN's eq. 8. All gates
    may be shut.

    Args:
        off: Tensor `(..., gates)`, the probability that each gate is shut.
        threshold: T in (0, 1], a number or a tensor that broadcasts to `off`. T=1 opens
            all gates.

    Returns:
        Float32 tensor of the shape of `off`: 1 if a gate is open, otherwise 0.
    """
    threshold = ops.cast(threshold, "float32")
    return ops.cast(ops.logical_or(off < threshold, threshold >= 1.0), "float32")


def straight_through(soft, hard):
    """Returns a tensor with the values of `hard` and the gradient of `soft`.

    Args:
        soft: Tensor that has a gradient.
        hard: Tensor of the shape of `soft`.
    """
    return hard + (soft - ops.stop_gradient(soft))
