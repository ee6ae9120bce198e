"""BranchSelection: what training changes."""

import numpy as np
import pytest
from keras import ops

from tfdyn.families.drnet.selection import BranchSelection
from tfdyn.routing.selection import METHODS, threshold_route
from tfdyn.runs.precision import dtype_policy

LOGITS = np.random.default_rng(0).normal(size=(64, 3, 5)).astype("float32")


def make(method="gumbel_softmax", temperature=2.0, seed=1, **variables):
    layer = BranchSelection(method, temperature, seed)
    layer.build()
    for name, value in variables.items():
        getattr(layer, name).assign(value)
    return layer


def select(layer, logits=LOGITS, **kwargs):
    return [ops.convert_to_numpy(output) for output in layer(logits, **kwargs)]


@pytest.mark.parametrize("method", ["gumbel_softmax", "softmax"])
@pytest.mark.parametrize("threshold", [0.6, 1.0, [0.3, 0.6, 1.0]])
def test_inference_is_the_threshold_on_a_softmax_without_noise(method, threshold):
    route, weights = select(make(method, drop_branch=0.9), threshold=threshold)
    expected = threshold_route(ops.softmax(LOGITS / 2.0), threshold)
    np.testing.assert_allclose(route, expected, rtol=1e-5)
    np.testing.assert_array_equal(weights, route)


def test_training_adds_gumbel_noise():
    layer, plain = make(), np.asarray(ops.softmax(LOGITS / 2.0))
    first, second = (select(layer, training=True)[0] for _ in range(2))
    assert (abs(first - second) > 1e-3).mean() > 0.9
    assert (abs(first - plain) > 1e-3).mean() > 0.9
    for route in (first, second):
        np.testing.assert_allclose(route.sum(axis=-1), 1, rtol=1e-5)


def test_the_noise_may_be_smaller():
    whole, half, none = (
        np.asarray(select(make(noise_scale=scale), training=True)[0])
        for scale in (1.0, 0.5, 0.0)
    )
    plain = np.asarray(ops.softmax(LOGITS / 2.0))
    np.testing.assert_allclose(none, plain, rtol=1e-5)
    assert abs(half - plain).mean() < 0.8 * abs(whole - plain).mean()


def test_probabilities_have_no_noise_and_no_drops():
    layer = make(drop_branch=0.9, drop_connection=0.9)
    layer.temperature.assign(0.5)
    expected = ops.softmax(LOGITS / 0.5)
    np.testing.assert_allclose(layer.probabilities(LOGITS), expected, rtol=1e-5)


def test_a_saved_selection_may_lack_the_scale_of_the_noise():
    layer = make(noise_scale=0.5)
    layer.load_own_variables({"0": 0.7, "1": 0.1, "2": 0.2})
    assert [float(w) for w in layer.weights] == pytest.approx([0.7, 0.1, 0.2, 1.0])
    layer.load_own_variables({"0": 0.7, "1": 0.1, "2": 0.2, "3": 0.3})
    assert float(layer.noise_scale) == pytest.approx(0.3)


def test_noise_depends_on_the_seed_alone():
    first = select(make(seed=1), training=True)[0]
    np.testing.assert_array_equal(select(make(seed=1), training=True)[0], first)
    assert (select(make(seed=2), training=True)[0] != first).any()


def test_softmax_has_no_noise_and_all_branches_in_training():
    route, weights = select(make("softmax"), training=True, threshold=0.1)
    np.testing.assert_allclose(route, ops.softmax(LOGITS / 2.0), rtol=1e-5)
    np.testing.assert_allclose(weights, route, rtol=1e-6)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("threshold", [0.1, 1.0])
def test_without_routers_all_branches_weigh_the_same(training, threshold):
    route, _ = select(make("none"), training=training, threshold=threshold)
    np.testing.assert_allclose(route, 0.2, rtol=1e-6)


@pytest.mark.parametrize("method", ["softmax", "none"])
@pytest.mark.parametrize("rates", [{"drop_branch": 0.7}, {"drop_connection": 0.7}])
def test_costs_are_counted_before_the_drops(method, rates):
    undropped = select(make(method), training=True)[0]
    route, weights = select(make(method, **rates), training=True)
    np.testing.assert_array_equal(route, undropped)
    assert 0.4 < (weights == 0).mean() < 0.8
    # Gumbel noise is drawn before the drops: the same seed gives the same route.
    route, weights = select(make(**rates), training=True)
    np.testing.assert_array_equal(route, select(make(), training=True)[0])
    assert (route > 0).all() and (weights == 0).any()


def test_dropped_branches_leave_the_rest_renormalised():
    _, weights = select(make("softmax", drop_branch=0.7), training=True)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


def test_dropped_connections_leave_the_rest_scaled():
    route, weights = select(make("softmax", drop_connection=0.5), training=True)
    kept = (weights > 0).any(axis=-1, keepdims=True)
    np.testing.assert_allclose(weights, route * kept / 0.5, rtol=1e-5)


def test_temperature_is_a_variable():
    layer = make("softmax", temperature=2.0)
    layer.temperature.assign(0.5)
    route, _ = select(layer, training=True)
    np.testing.assert_allclose(route, ops.softmax(LOGITS / 0.5), rtol=1e-5)
    assert not layer.trainable_weights


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("training", [False, True])
def test_selects_in_float32(method, training):
    with dtype_policy("mixed_float16"):
        layer = make(method)
    route, weights = select(layer, LOGITS.astype("float16"), training=training)
    assert route.dtype == weights.dtype == "float32"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "argmax"}, "gumbel_softmax, softmax, none; got 'argmax'"),
        ({"temperature": 0}, "above 0.*got 0"),
        ({"temperature": -1.0}, "above 0.*got -1.0"),
        ({"temperature": float("nan")}, "above 0.*got nan"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        BranchSelection(**arguments)
