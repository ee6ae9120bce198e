"""GateRouter, by hand."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.layers.gate_router import GateRouter

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(3, 4, 5, 6)).astype("float32")
STATE = RANDOM.normal(size=(3, 8)).astype("float32")


def relu(values):
    return np.maximum(values, 0)


@pytest.mark.parametrize("previous_state", [False, True])
def test_outputs_are_those_of_the_equations(previous_state):
    router = GateRouter(2, units=8, previous_state=previous_state)
    inputs = [FEATURES, STATE] if previous_state else FEATURES
    router(inputs)
    for weight in router.weights:
        weight.assign(RANDOM.normal(size=weight.shape))
    (w1, b1), (w3, b3) = router.embed.get_weights(), router.decide.get_weights()
    state = relu(FEATURES.mean(axis=(1, 2)) @ w1 + b1)
    if previous_state:
        w2, b2 = router.recall.get_weights()
        state += relu(STATE @ w2 + b2)
    logits, own = router(inputs)
    np.testing.assert_allclose(own, state, atol=1e-5)
    np.testing.assert_allclose(logits, (state @ w3 + b3).reshape(3, 2, 2), atol=1e-4)


def test_its_cost_is_counted_with_the_previous_state():
    router = GateRouter(4, previous_state=True)
    router.build([(None, 7, 7, 100), (None, 32)])
    matrices = 100 * 32 + 32 * 32 + 32 * 2 * 4
    assert complexity.macs(router) == matrices
    assert complexity.params(router) == matrices + 32 + 32 + 8
