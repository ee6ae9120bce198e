"""Terms of a loss that make routes depend on the image, for routers of all families."""

import math

from keras import ops

from tfdyn.losses import global_batch
from tfdyn.losses.cross_entropy import cross_entropy


def router_terms(labels, outputs, belief_weight, dependence_weight):
    """Returns the terms that every family's loss adds for its routers.

    Args:
        labels: Int32 tensor `(batch,)`.
        outputs: Mapping, the outputs of a model in training. `belief_logits`, if it
            is there, is a tensor `(batch, places, classes)` of classifiers inside the
            network (`tfdyn.layers.beliefs`). `choice_probabilities` is a
            tensor `(batch, choices, options)`, what routers chose without noise.
        belief_weight: Float, the weight of the mean cross-entropy of the beliefs.
        dependence_weight: Float, the weight of `dependence`, which is subtracted.

    Returns:
        Tensor `(batch,)` or scalar, to be added to the loss of each image.
    """
    terms = 0.0
    if "belief_logits" in outputs and belief_weight:
        logits = outputs["belief_logits"]
        repeated = ops.broadcast_to(ops.expand_dims(labels, -1), ops.shape(logits)[:2])
        terms += belief_weight * ops.mean(cross_entropy(repeated, logits), axis=-1)
    if dependence_weight:
        terms -= dependence_weight * dependence(outputs["choice_probabilities"])
    return terms


def dependence(probabilities):
    """Returns how much choices depend on the image, as mutual information.

    For each choice it is `H(mean p) - mean H(p)`, where H is the entropy and the means
    are over the global batch. It is 0 if all images choose alike, or if no choice is
    decided; and largest if images choose differently and each surely. The term is that
    of ModuleFormer (Shen et al., 2023).

    Args:
        probabilities: Tensor `(batch, choices, options)`. Along the last axis it sums
            to 1.

    Returns:
        Scalar, the mean over all choices, in units of the largest possible entropy.
    """
    # Stacked, so that the replicas exchange their means only once.
    entropies = _entropy(probabilities)[..., None]
    means = global_batch.mean(ops.concatenate([probabilities, entropies], axis=-1))
    gain = _entropy(means[..., :-1]) - means[..., -1]
    return ops.mean(gain) / math.log(probabilities.shape[-1])


def _entropy(probabilities):
    return -ops.sum(probabilities * ops.log(probabilities + 1e-7), axis=-1)
