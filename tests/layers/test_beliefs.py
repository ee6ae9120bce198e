"""Beliefs, by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdyn.layers.beliefs import Beliefs

FEATURES = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")


def of_logits(*logits):
    """The certainty about images with these logits."""
    layer = Beliefs(len(logits[0]))
    layer.build((None, len(logits[0])))
    layer.classify.kernel.assign(np.eye(len(logits[0])))
    return np.asarray(layer(np.asarray(logits, "float32"))[1])


def test_the_certainty_is_probabilities_entropy_and_lead():
    halves = np.log([0.5, 0.25, 0.25])
    entropy = 1.5 * np.log(2) / np.log(3)
    np.testing.assert_allclose(
        of_logits([0, 0, 0], halves, [99, 0, 0]),
        [
            [1 / 3, 1 / 3, 1 / 3, 1, 1 / 3],
            [0.5, 0.25, 0.25, entropy, 0.25],
            [1, 0, 0, 0, 1],
        ],
        atol=1e-6,
    )


def test_the_logits_are_those_of_a_dense_layer():
    layer = Beliefs(4)
    logits, certainty = layer(FEATURES)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(logits, FEATURES @ kernel + bias, atol=1e-5)
    np.testing.assert_allclose(certainty[:, :4], keras.ops.softmax(logits), atol=1e-6)


@pytest.mark.parametrize(("output", "learns"), [(0, True), (1, False)])
def test_the_classifier_learns_the_classes_alone(output, learns):
    layer = Beliefs(4)
    features = tf.constant(FEATURES)
    with tf.GradientTape() as tape:
        tape.watch(features)
        value = tf.reduce_sum(layer(features)[output] ** 2)
    sources = [features, *(weight.value for weight in layer.trainable_weights)]
    gradients = tape.gradient(value, sources)
    assert [gradient is not None for gradient in gradients] == 3 * [learns]
