"""Terms for routers, by hand."""

import numpy as np
import pytest

from tfdyn.losses.routers import dependence, router_terms
from tfdyn.losses.routing_loss import RoutingLoss

LABELS = np.asarray([0, 1])
ALIKE = [[[0.9, 0.1]], [[0.9, 0.1]]]
UNDECIDED = [[[0.5, 0.5]], [[0.5, 0.5]]]
BALANCED_AND_SURE = [[[1, 0]], [[0, 1]]]


def of(values):
    return float(dependence(np.asarray(values, "float32")))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (ALIKE, 0),
        (UNDECIDED, 0),
        (BALANCED_AND_SURE, 1),
        # Three options, each the choice of one image of three.
        (np.eye(3)[:, None], 1),
        # The mean over all choices.
        (np.concatenate([BALANCED_AND_SURE, *[ALIKE] * 3], axis=1), 0.25),
        (np.concatenate([BALANCED_AND_SURE, ALIKE], axis=1), 0.5),
    ],
)
def test_dependence(values, expected):
    assert of(values) == pytest.approx(expected, abs=1e-5)


def test_dependence_in_between():
    # The mean is even, with an entropy of log 2; each has that of (0.75, 0.25).
    mean_entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    expected = 1 - mean_entropy / np.log(2)
    values = [[[0.75, 0.25]], [[0.25, 0.75]]]
    assert of(values) == pytest.approx(expected, rel=1e-4)


OUTPUTS = {
    "logits": np.zeros((2, 2), "float32"),
    "choice_probabilities": np.asarray(BALANCED_AND_SURE, "float32"),
    # Of two places, the first does not know, and the second is right by 3 to 1.
    "belief_logits": np.log(
        [[[0.5, 0.5], [0.75, 0.25]], [[0.5, 0.5], [0.25, 0.75]]]
    ).astype("float32"),
}
BELIEFS = (np.log(2) + np.log(4 / 3)) / 2


@pytest.mark.parametrize(
    ("weights", "expected"),
    [((0, 0), 0), ((1, 0), BELIEFS), ((0, 1), -1), ((0.5, 0.25), BELIEFS / 2 - 0.25)],
)
def test_terms(weights, expected):
    terms = np.asarray(router_terms(LABELS, OUTPUTS, *weights))
    np.testing.assert_allclose(terms, expected, atol=1e-5)


def test_they_are_a_part_of_the_loss_of_drnet():
    loss = RoutingLoss(belief_weight=0.5, dependence_weight=0.25)
    expected = np.log(2) + BELIEFS / 2 - 0.25
    assert float(loss(LABELS, OUTPUTS)) == pytest.approx(expected, rel=1e-5)
    without = {name: OUTPUTS[name] for name in ("logits", "choice_probabilities")}
    assert float(RoutingLoss()(LABELS, without)) == pytest.approx(np.log(2))
