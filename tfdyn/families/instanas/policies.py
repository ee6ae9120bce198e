"""Policies: which modules of all cells run, drawn and weighed (InstaNAS section 3.3).

A policy is a float32 tensor `(batch, cells, modules)` of 0 and 1; probabilities have
its shape. All functions are written in `keras.ops`.
"""

from keras import ops

from tfdyn.routing.noise import uniform


def encouraged(probabilities, alpha):
    """Returns `alpha * p + (1 - alpha) * (1 - p)`, which explores more than p.

    Args:
        probabilities: p.
        alpha: The encouragement parameter, in [0.5, 1]; 1 leaves p as it is.
    """
    return alpha * probabilities + (1.0 - alpha) * (1.0 - probabilities)


def sample(probabilities, seed):
    """Draws each module by itself, as Bernoulli of its probability.

    Args:
        probabilities: Of each module to run.
        seed: `keras.random.SeedGenerator` or integer.
    """
    draws = uniform(ops.shape(probabilities), seed)
    return ops.cast(draws < probabilities, "float32")


def with_fallback(policy, fallback):
    """Adds the modules that run where a cell must run one and none is selected.

    Args:
        policy: Policy.
        fallback: `(cells, modules)`: 1 for the module that a cell falls back to, else
            0; all 0 for a cell that may run none.

    Returns:
        A policy that every cell can run: a route.
    """
    none = ops.cast(ops.sum(policy, axis=-1, keepdims=True) == 0, "float32")
    return policy + none * ops.cast(fallback, "float32")


def log_probability(policy, probabilities):
    """Returns the logarithm of the probability of a policy, `(batch,)`.

    The sum in eq. 1, of what was drawn, before any fallback.

    Args:
        policy: Policy.
        probabilities: Those that it was drawn from, in (0, 1).
    """
    of_each = ops.where(policy > 0, probabilities, 1.0 - probabilities)
    return ops.sum(ops.log(of_each + 1e-12), axis=(1, 2))


def entropy(probabilities):
    """Returns the entropy of all modules' probabilities, in nats, `(batch,)`."""
    off = 1.0 - probabilities
    terms = probabilities * ops.log(probabilities + 1e-12) + off * ops.log(off + 1e-12)
    return -ops.sum(terms, axis=(1, 2))


def sameness(policy):
    """Returns the share of the pairs of a batch that have one policy, a scalar.

    It is 1 when all inputs have the same: the policy has collapsed.
    """
    count, size = ops.shape(policy)[0], policy.shape[1] * policy.shape[2]
    signs = 2.0 * ops.reshape(policy, (-1, size)) - 1.0
    # Two rows of signs are one where each sign agrees.
    agree = ops.matmul(signs, ops.transpose(signs)) > size - 1.0
    pairs = ops.sum(ops.cast(agree, "float32")) - ops.cast(count, "float32")
    return pairs / ops.cast(ops.maximum(count * (count - 1), 1), "float32")
