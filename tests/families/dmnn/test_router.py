"""GateRouter, by hand."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.dmnn.router import GateRouter

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(3, 4, 5, 6)).astype("float32")
STATE = RANDOM.normal(size=(3, 8)).astype("float32")


def relu(values):
    return np.maximum(values, 0)


def normalized(values, layer):
    gamma, beta, mean, variance = layer.get_weights()
    return gamma * (values - mean) / np.sqrt(variance + layer.epsilon) + beta


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("previous_state", [False, True])
def test_outputs_are_those_of_the_equations(previous_state, norm):
    router = GateRouter(2, 8, previous_state, normalized=norm)
    inputs = [FEATURES, STATE] if previous_state else FEATURES
    router(inputs)
    for weight in router.weights:
        values = RANDOM.normal(size=weight.shape)
        weight.assign(np.abs(values) if "variance" in weight.path else values)
    w1, *b1 = router.embed.get_weights()
    state = FEATURES.mean(axis=(1, 2)) @ w1
    state = relu(normalized(state, router.normalize) if norm else state + b1[0])
    if previous_state:
        w2, b2 = router.recall.get_weights()
        state += relu(STATE @ w2 + b2)
    w3, b3 = router.decide.get_weights()
    logits, new_state = router(inputs)
    np.testing.assert_allclose(new_state, state, atol=1e-5)
    np.testing.assert_allclose(logits, (state @ w3 + b3).reshape(3, 2, 2), atol=1e-4)


def test_normalized_it_tells_apart_what_differs_little():
    alike = 10 + FEATURES
    for norm, low, high in ((False, 0, 0.2), (True, 0.5, 2)):
        _, state = GateRouter(2, 8, normalized=norm)(alike, training=True)
        assert low < np.std(state, axis=0).sum() / np.mean(state, axis=0).sum() < high


def test_beliefs_are_a_part_of_the_state():
    router = GateRouter(2, 8, classes=5)
    logits, state, belief_logits = router(FEATURES)
    pooled = FEATURES.mean(axis=(1, 2))
    expected, certainty = router.beliefs(pooled)
    np.testing.assert_allclose(belief_logits, expected, atol=1e-5)
    kernel, bias = router.embed.get_weights()
    (weights,) = router.weigh.get_weights()
    hidden = relu(pooled @ kernel + bias + np.asarray(certainty) @ weights)
    np.testing.assert_allclose(state, hidden, atol=1e-5)
    kernel, bias = router.decide.get_weights()
    expected = (hidden @ kernel + bias).reshape(3, 2, 2)
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    plain = GateRouter(2, 8)
    plain.build(FEATURES.shape)
    added = 6 * 5 + 7 * 8
    assert complexity.macs(router) == complexity.macs(plain) + added
    assert complexity.params(router) == complexity.params(plain) + added + 5


def test_a_moved_bias_is_added_to_the_logits_of_running():
    router = GateRouter(2, 8, moved_bias=True)
    before, _ = router(FEATURES)
    router.bias.assign([1.5, -2.0])
    logits, _ = router(FEATURES)
    expected = before + np.array([[0, 1.5], [0, -2.0]])
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert not any(weight is router.bias for weight in router.trainable_weights)
    assert [*router.decide.get_weights()[0].shape] == [8, 4] and not router.decide.bias
    plain = GateRouter(2, 8)
    plain.build(FEATURES.shape)
    assert complexity.macs(router) == complexity.macs(plain)
    assert complexity.params(router) == complexity.params(plain) - 4


def test_its_cost_is_counted_with_the_previous_state():
    router = GateRouter(4, previous_state=True)
    router.build([(None, 7, 7, 100), (None, 32)])
    matrices = 100 * 32 + 32 * 32 + 32 * 2 * 4
    assert complexity.macs(router) == matrices
    assert complexity.params(router) == matrices + 32 + 32 + 8
    router = GateRouter(4, previous_state=True, normalized=True)
    router.build([(None, 7, 7, 100), (None, 32)])
    assert complexity.macs(router) == matrices + 32
    assert complexity.params(router) == matrices + 2 * 32 + 32 + 8
