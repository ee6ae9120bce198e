"""Selection, against brute force and by the distributions it should have."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tfdyn.routing import selection

THRESHOLDS = (0.1, 0.3, 0.5, 0.8, 0.95)


def softmax(logits):
    powers = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def random_weights(*shape, concentration=0.7):
    random = np.random.default_rng(0)
    return random.dirichlet([concentration] * shape[-1], shape[:-1]).astype("float32")


def threshold_route(weights, threshold):
    return ops.convert_to_numpy(selection.threshold_route(weights, threshold))


def smallest_set(weights, threshold):
    """Of the sets whose weights reach T, the smallest; of these the heaviest."""
    sets = [
        subset
        for size in range(1, len(weights) + 1)
        for subset in itertools.combinations(range(len(weights)), size)
        if weights[list(subset)].sum(dtype="float64") >= threshold
    ]
    return min(sets, key=lambda subset: (len(subset), -weights[list(subset)].sum()))


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("branches", [1, 2, 5])
def test_route_is_the_smallest_set_that_reaches_the_threshold(threshold, branches):
    weights = random_weights(100, branches)
    for row, route in zip(weights, threshold_route(weights, threshold), strict=True):
        assert tuple(np.flatnonzero(route)) == smallest_set(row, threshold)


@pytest.mark.parametrize("threshold", [*THRESHOLDS, 1.0])
def test_selected_weights_are_rescaled_by_their_sum(threshold):
    weights = random_weights(100, 5)
    route = threshold_route(weights, threshold)
    selected = np.where(route > 0, weights, 0)
    expected = selected / selected.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(route, expected, rtol=1e-5)
    np.testing.assert_allclose(route.sum(axis=-1), 1, rtol=1e-5)


def test_a_larger_threshold_runs_the_same_branches_and_more():
    weights = random_weights(100, 5)
    routes = [threshold_route(weights, threshold) for threshold in (*THRESHOLDS, 1.0)]
    for smaller, larger in itertools.pairwise(routes):
        assert ((larger > 0) >= (smaller > 0)).all()


@pytest.mark.parametrize("first", [0.0, 20.0, 100.0, 1000.0])
def test_threshold_one_runs_all_branches_of_a_saturated_softmax(first):
    weights = softmax(np.asarray([[first, 0.0, 0.0, 0.0, -first]], "float32"))
    route = threshold_route(weights, 1.0)
    assert (route > 0).all()
    np.testing.assert_allclose(route.sum(), 1, rtol=1e-6)


def test_below_one_a_saturated_softmax_runs_one_branch():
    weights = softmax(np.asarray([[0.0, 1000.0, 0.0]], "float32"))
    route = threshold_route(weights, 0.9999)
    np.testing.assert_array_equal(route, [[0, 1, 0]])


@pytest.mark.parametrize("threshold", [1e-9, 1e-3])
def test_at_least_one_branch_runs(threshold):
    route = threshold_route(random_weights(100, 5), threshold)
    assert ((route > 0).sum(axis=-1) == 1).all()


@pytest.mark.parametrize(
    ("weights", "threshold", "selected"),
    [
        ([0.25, 0.25, 0.25, 0.25], 0.5, [0, 1]),
        ([0.25, 0.25, 0.25, 0.25], 0.51, [0, 1, 2]),
        ([0.125, 0.375, 0.125, 0.375], 0.3, [1]),
        ([0.125, 0.375, 0.125, 0.375], 0.8, [0, 1, 3]),
    ],
)
def test_ties_go_to_the_smaller_index(weights, threshold, selected):
    route = threshold_route(np.asarray([weights], "float32"), threshold)
    assert np.flatnonzero(route).tolist() == selected


def test_threshold_may_differ_from_connection_to_connection():
    weights, thresholds = random_weights(50, 3, 5), [0.3, 0.8, 1.0]
    route = threshold_route(weights, thresholds)
    for connection, threshold in enumerate(thresholds):
        alone = threshold_route(weights[:, connection], threshold)
        np.testing.assert_allclose(route[:, connection], alone, rtol=1e-6)


def test_scores_are_float32():
    scores = selection.branch_scores(np.ones((2, 3), "float16"), 0.5)
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
    np.testing.assert_array_equal(scores, np.full((2, 3), 2.0))


def test_gumbel_noise_has_its_mean_and_variance():
    noise = ops.convert_to_numpy(selection.gumbel_noise((200_000,), seed=1))
    assert np.isfinite(noise).all()
    assert abs(noise.mean() - np.euler_gamma) < 0.01
    assert abs(noise.var() - np.pi**2 / 6) < 0.03


@pytest.fixture(scope="module")
def gumbel_softmax():
    logits = np.asarray([0.0, 1.0, 2.0, -1.0], "float32")
    noise = selection.gumbel_noise((50_000, 4), seed=2)

    def sample(temperature):
        scores = selection.branch_scores(logits, temperature, noise)
        return ops.convert_to_numpy(ops.softmax(scores))

    return logits, sample


@pytest.mark.parametrize("temperature", [0.01, 1.0, 100.0])
def test_gumbel_softmax_chooses_as_often_as_softmax_says(gumbel_softmax, temperature):
    logits, sample = gumbel_softmax
    counts = np.bincount(sample(temperature).argmax(axis=-1), minlength=4)
    np.testing.assert_allclose(counts / 50_000, softmax(logits), atol=0.01)


def test_gumbel_softmax_is_one_hot_at_temperature_zero(gumbel_softmax):
    assert gumbel_softmax[1](0.001).max(axis=-1).mean() > 0.99


def test_gumbel_softmax_is_uniform_at_an_infinite_temperature(gumbel_softmax):
    np.testing.assert_allclose(gumbel_softmax[1](1e5), 0.25, atol=1e-3)


@pytest.mark.parametrize("rate", [0.3, 0.9, 0.999, 1.0])
def test_dropped_branches_are_gone_and_the_rest_renormalised(rate):
    logits = np.log(random_weights(4000, 5, concentration=5))
    scores = selection.drop_branches(logits, rate, seed=3)
    weights = ops.convert_to_numpy(ops.softmax(scores))
    kept = weights > 0
    rest = np.where(kept, np.exp(logits), 0)
    expected = rest / rest.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(weights, expected, rtol=1e-4)
    # What would leave a connection without a branch leaves it with one.
    assert kept.any(axis=-1).all()
    shares = 1 - rate + rate**5 / 5
    np.testing.assert_allclose(kept.mean(axis=0), shares, atol=0.03)


def test_rate_zero_drops_nothing():
    weights = random_weights(1000, 3, 5)
    kept = selection.drop_branches(weights, 0.0, seed=4)
    np.testing.assert_array_equal(kept, weights)
    kept = selection.drop_connections(weights, 0.0, seed=4)
    np.testing.assert_array_equal(kept, weights)


def test_whole_connections_are_dropped_and_the_others_scaled():
    weights = random_weights(2000, 3, 5)
    kept = ops.convert_to_numpy(selection.drop_connections(weights, 0.25, seed=5))
    runs = (kept > 0).any(axis=-1)
    np.testing.assert_allclose(runs.mean(axis=0), 0.75, atol=0.03)
    np.testing.assert_allclose(kept, weights * runs[..., None] / 0.75, rtol=1e-6)
    # Examples and connections are dropped each for itself.
    assert len(np.unique(runs, axis=0)) == 8


OFF = np.asarray([[0.0, 0.2, 0.5, 0.7, 1.0]], "float32")


@pytest.mark.parametrize(
    ("threshold", "opened"), [(0.1, 1), (0.5, 2), (0.51, 3), (0.8, 4), (1.0, 5)]
)
def test_a_gate_opens_where_it_would_stay_shut_with_less_than_the_threshold(
    threshold, opened
):
    gates = ops.convert_to_numpy(selection.threshold_gates(OFF, threshold))
    np.testing.assert_array_equal(gates, [[1] * opened + [0] * (5 - opened)])
    assert gates.dtype == "float32"


def test_straight_through_is_exact_and_has_the_gradient_of_the_soft():
    soft = tf.constant([0.1, 1 / 3, 0.9])
    with tf.GradientTape() as tape:
        tape.watch(soft)
        outputs = selection.straight_through(soft**2, tf.round(soft))
    np.testing.assert_array_equal(outputs, [0, 0, 1])
    np.testing.assert_allclose(tape.gradient(outputs, soft), 2 * soft)
