"""GateSelection: gates in training and in inference."""

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tfdyn.families.dmnn.selection import GateSelection

LOGITS = np.random.default_rng(0).normal(size=(512, 3, 2)).astype("float32")
OFF = np.asarray(ops.softmax(LOGITS))[..., 0]


def select(layer, **kwargs):
    return ops.convert_to_numpy(layer(LOGITS, **kwargs))


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_inference_is_a_threshold_on_not_running(threshold):
    gates = select(GateSelection(), threshold=threshold)
    np.testing.assert_array_equal(gates, OFF < threshold)


def test_a_half_is_the_argmax_and_one_opens_all():
    layer = GateSelection()
    np.testing.assert_array_equal(select(layer), LOGITS.argmax(axis=-1))
    assert (select(layer, threshold=1.0) == 1).all()
    saturated = layer(np.asarray([[[1e4, -1e4]]], "float32"), threshold=1.0)
    assert float(saturated[0, 0]) == 1


def test_training_opens_a_gate_as_often_as_it_is_probable():
    layer = GateSelection(seed=1)
    drawn = np.stack([select(layer, training=True) for _ in range(200)])
    assert set(np.unique(drawn)) == {0, 1}
    # Five deviations of the mean of 200 draws, at most.
    np.testing.assert_allclose(drawn.mean(axis=0), 1 - OFF, atol=5 * 0.5 / 200**0.5)


def test_noise_depends_on_the_seed_and_may_be_left_out():
    first = select(GateSelection(seed=1), training=True)
    np.testing.assert_array_equal(select(GateSelection(seed=1), training=True), first)
    assert (select(GateSelection(seed=2), training=True) != first).any()
    plain = select(GateSelection(noise=False), training=True, threshold=0.01)
    np.testing.assert_array_equal(plain, LOGITS.argmax(axis=-1))


def test_without_noise_training_is_inference():
    layer = GateSelection(seed=1)
    layer.build()
    layer.noise_scale.assign(0.0)
    np.testing.assert_array_equal(select(layer, training=True), select(layer))


def test_the_gradient_is_that_of_the_softmax():
    logits, layer = tf.constant(LOGITS[:4]), GateSelection(noise=False)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        gates = layer(logits, training=True)
        soft = tf.nn.softmax(logits)[..., 1]
    expected = tape.gradient(soft, logits)
    assert np.asarray(expected).all()
    np.testing.assert_allclose(tape.gradient(gates, logits), expected, atol=1e-6)
