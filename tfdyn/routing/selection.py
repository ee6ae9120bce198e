"""Selection: from a router's logits to the weights of the branches.

DRNet's functions take and return tensors whose last axis is the branches of one
connection, `(..., branches)`; DMNN's gates stand each for itself, `(..., gates)`. All
are written in `keras.ops`.
"""

from keras import ops

from tfdyn.routing.noise import uniform

# How routers weigh branches in training: with Gumbel noise, without, or no routers.
METHODS = ("gumbel_softmax", "softmax", "none")
# A softmax may underflow to 0, which means "not run": T=1 must still run all.
SMALLEST_WEIGHT = 1e-30
DROPPED_SCORE = -1e9


def gumbel_noise(shape, seed):
    """Draws Gumbel(0, 1) noise (DRNet section 3.2, below eq. 4).

    Args:
        shape: Shape of the noise.
        seed: `keras.random.SeedGenerator` or integer.

    Returns:
        Float32 tensor of `shape`.
    """
    return -ops.log(-ops.log(uniform(shape, seed, minval=1e-20)))


def branch_scores(logits, temperature, noise=None):
    """Returns what eq. 4 of DRNet takes the softmax of: `(logits + noise) / tau`.

    Args:
        logits: Router logits `(..., branches)`.
        temperature: Scalar tau > 0.
        noise: Gumbel noise of the logits' shape; `None` for a plain softmax.
    """
    logits = ops.cast(logits, "float32")
    if noise is not None:
        logits = logits + noise
    return logits / temperature


def drop_branches(scores, rate, seed):
    """Drops branches at random, never all of a connection (DRNet section 4.1).

    Dropping happens before the softmax, so that the weights that remain are
    renormalised whatever the temperature.

    Args:
        scores: Scores `(..., branches)`, as from `branch_scores`.
        rate: Scalar probability with which each branch is dropped.
        seed: `keras.random.SeedGenerator` or integer.

    Returns:
        The scores, those of dropped branches so low that their weight is 0.
    """
    draws = uniform(ops.shape(scores), seed)
    luckiest = draws >= ops.max(draws, axis=-1, keepdims=True)
    keep = ops.logical_or(draws >= rate, luckiest)
    return ops.where(keep, scores, DROPPED_SCORE)


def drop_connections(weights, rate, seed):
    """Drops whole connections at random, for each example (DRNet section 4.1).

    As DARTS's drop-path, what remains is scaled by `1 / (1 - rate)`.

    Args:
        weights: Branch weights `(..., branches)`.
        rate: Scalar probability with which each connection is dropped.
        seed: `keras.random.SeedGenerator` or integer.
    """
    shape = ops.shape(weights)[:-1] + (1,)
    draws = uniform(shape, seed)
    return weights * ops.cast(draws >= rate, weights.dtype) / (1.0 - rate)


def threshold_route(weights, threshold):
    """Selects the smallest set of branches whose weights reach T.

    DRNet section 3.3; ISBNet eq. 6. Branch b is in that set when the weights
    greater than its own sum to less than T (ties go to the smaller index),
    which needs no sort. The selected weights are rescaled by 1/s, s their sum.

    Args:
        weights: Branch weights `(..., connections, branches)` that sum to 1.
        threshold: T in (0, 1], a scalar or one number a connection. T=1 selects
            all branches.

    Returns:
        The route, of the weights' shape: 0 where a branch does not run. At least
        one branch of each connection runs.
    """
    weights = ops.maximum(ops.cast(weights, "float32"), SMALLEST_WEIGHT)
    threshold = ops.expand_dims(ops.cast(threshold, "float32"), -1)
    own, other = ops.expand_dims(weights, -1), ops.expand_dims(weights, -2)
    index = ops.arange(weights.shape[-1])
    earlier = ops.expand_dims(index, 0) < ops.expand_dims(index, 1)
    ahead = ops.logical_or(other > own, ops.logical_and(other == own, earlier))
    weight_ahead = ops.sum(ops.where(ahead, other, 0.0), axis=-1)
    selected = ops.logical_or(weight_ahead < threshold, threshold >= 1.0)
    route = ops.where(selected, weights, 0.0)
    return route / ops.sum(route, axis=-1, keepdims=True)


def threshold_gates(off, threshold):
    """Opens the gates whose probability of staying shut is below T.

    T=0.5 is the argmax of DMNN's eq. 8; there may be none that opens.

    Args:
        off: Probability that a gate stays shut, `(..., gates)`.
        threshold: T in (0, 1], a scalar or a tensor that broadcasts to `off`. T=1 opens
            all gates.

    Returns:
        Float32 tensor of the shape of `off`: 1 where a gate is open, else 0.
    """
    threshold = ops.cast(threshold, "float32")
    return ops.cast(ops.logical_or(off < threshold, threshold >= 1.0), "float32")


def straight_through(soft, hard):
    """Returns `hard`, exactly, with the gradient of `soft`."""
    return hard + (soft - ops.stop_gradient(soft))
