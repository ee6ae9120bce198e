"""CodebookLoss, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tfdyn.families.codebook.loss import CodebookLoss

RANDOM = np.random.default_rng(0)
LABELS = np.asarray([0, 2])
OUTPUTS = {
    "route_logits": RANDOM.normal(size=(2, 3, 4)).astype("float32"),
    "choice_logits": RANDOM.normal(size=(2, 2, 3)).astype("float32"),
    "belief_logits": RANDOM.normal(size=(2, 2, 4)).astype("float32"),
}
FORKS = [(0, 1, 2), (1, 2)]


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def by_hand(share, smoothing=0.0):
    """The loss without beliefs."""
    logits = OUTPUTS["route_logits"].astype(float)
    scores, total = log_softmax(logits), 0.0
    for image, label in enumerate(LABELS):
        target = np.full(4, smoothing / 4)
        target[label] += 1 - smoothing
        teacher = np.exp(scores[image, -1])
        entropies = -(target * scores[image]).sum(axis=-1)
        taught = -(teacher * scores[image]).sum(axis=-1)
        others = ((1 - share) * entropies + share * taught)[:-1].mean()
        total += (others + entropies[-1]) / 2
        right = logits[image].argmax(axis=-1) == label
        for index, members in enumerate(FORKS):
            logit = OUTPUTS["choice_logits"][image, index].astype(float)
            p = 1 / (1 + np.exp(-logit))
            terms = np.where(right, -np.log(p), -np.log(1 - p))
            total += terms[list(members)].mean()
    return total / len(LABELS)


@pytest.mark.parametrize(("share", "smoothing"), [(0.0, 0.0), (0.5, 0.1), (1.0, 0.0)])
def test_all_routes_and_what_routers_predict(share, smoothing):
    loss = CodebookLoss(FORKS, smoothing, share, belief_weight=0.0)
    expected = by_hand(share, smoothing)
    assert float(loss(LABELS, OUTPUTS)) == pytest.approx(expected, rel=1e-5)


def test_beliefs_have_a_weight():
    scores = log_softmax(OUTPUTS["belief_logits"].astype(float))
    beliefs = -np.mean([scores[i, :, label] for i, label in enumerate(LABELS)])
    loss = CodebookLoss(FORKS, 0.0, 0.5, belief_weight=0.25)
    expected = by_hand(0.5) + 0.25 * beliefs
    assert float(loss(LABELS, OUTPUTS)) == pytest.approx(expected, rel=1e-5)


def test_the_last_route_does_not_learn_from_those_that_it_teaches():
    logits = tf.constant(OUTPUTS["route_logits"])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        outputs = {**OUTPUTS, "route_logits": logits}
        value = CodebookLoss(FORKS, 0.0, 1.0, belief_weight=0.0)(LABELS, outputs)
    gradient = tape.gradient(value, logits).numpy()
    probabilities = np.exp(log_softmax(OUTPUTS["route_logits"]))
    # Of two images and half of the loss: softmax minus the target, divided by 4.
    last = (probabilities[:, -1] - np.eye(4)[LABELS]) / 4
    np.testing.assert_allclose(gradient[:, -1], last, atol=1e-6)
    others = (probabilities[:, :-1] - probabilities[:, -1:]) / 8
    np.testing.assert_allclose(gradient[:, :-1], others, atol=1e-6)


@pytest.mark.parametrize("labels", [LABELS + 2, LABELS - 1, LABELS + 0.5])
def test_labels_that_are_no_classes_are_refused(labels):
    with pytest.raises(ValueError, match="whole numbers from 0 to 3"):
        CodebookLoss(FORKS)(labels, OUTPUTS)
