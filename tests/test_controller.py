"""Controller, by hand."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.layers.controller import Controller

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(3, 4, 5, 6)).astype("float32")
STATE = RANDOM.normal(size=(3, 8)).astype("float32")


def relu(values):
    return np.maximum(values, 0)


@pytest.mark.parametrize("previous_state", [False, True])
def test_outputs_are_those_of_the_equations(previous_state):
    controller = Controller(2, units=8, previous_state=previous_state)
    inputs = [FEATURES, STATE] if previous_state else FEATURES
    controller(inputs)
    for weight in controller.weights:
        weight.assign(RANDOM.normal(size=weight.shape))
    (w1, b1), (w3, b3) = controller.embed.get_weights(), controller.decide.get_weights()
    state = relu(FEATURES.mean(axis=(1, 2)) @ w1 + b1)
    if previous_state:
        w2, b2 = controller.recall.get_weights()
        state += relu(STATE @ w2 + b2)
    logits, own = controller(inputs)
    np.testing.assert_allclose(own, state, atol=1e-5)
    np.testing.assert_allclose(logits, (state @ w3 + b3).reshape(3, 2, 2), atol=1e-4)


def test_its_cost_is_counted_with_the_previous_state():
    controller = Controller(4, previous_state=True)
    controller.build([(None, 7, 7, 100), (None, 32)])
    matrices = 100 * 32 + 32 * 32 + 32 * 2 * 4
    assert complexity.macs(controller) == matrices
    assert complexity.params(controller) == matrices + 32 + 32 + 8
