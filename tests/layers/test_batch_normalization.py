"""BatchNormalization against Keras's own, in each of its forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdyn.layers import batch_normalization
from tfdyn.layers.batch_normalization import BatchNormalization, synchronize

SHAPES = {"rows": (8, 9, 7, 5), "fused": (4, 6, 6, 16), "dense": (9, 4)}


def pair(shape):
    """Our layer and Keras's, with the same weights."""
    layers = []
    for cls in (BatchNormalization, keras.layers.BatchNormalization):
        layer = cls(momentum=0.9, epsilon=1e-5)
        layer.build((None, *shape[1:]))
        layer.gamma.assign(np.linspace(0.5, 2, shape[-1]))
        layer.beta.assign(np.linspace(-1, 1, shape[-1]))
        layers.append(layer)
    return layers


def trained(layer, images, upstream):
    """Outputs, all gradients and both moving statistics after a training step."""

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images, training=True)
        weights = [weight.value for weight in (layer.gamma, layer.beta)]
        return outputs, *tape.gradient(outputs, [images, *weights], upstream)

    return [*step(), *layer.non_trainable_variables]


def random(shape, mean=0.0):
    numbers = np.random.default_rng(len(shape)).normal(mean, 2.0, shape)
    return tf.constant(numbers, tf.float32)


@pytest.mark.parametrize("mean", [0.0, 5.0])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_trains_as_keras(shape, mean):
    images, upstream = random(shape, mean), random(shape)
    results = [trained(layer, images, upstream) for layer in pair(shape)]
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("mean", [0.0, 5.0])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_trains_as_keras_without_scale_and_offset(shape, mean):
    images, upstream, results = random(shape, mean), random(shape), []
    for cls in (BatchNormalization, keras.layers.BatchNormalization):
        layer = cls(momentum=0.9, epsilon=1e-5, center=False, scale=False)
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images, training=True)
        gradient = tape.gradient(outputs, images, upstream)
        results.append([outputs, gradient, *layer.non_trainable_variables])
        assert not layer.trainable_variables
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)


def test_a_batch_of_unknown_size(monkeypatch):
    monkeypatch.setattr(batch_normalization, "FUSED_CHANNELS", 1000)
    ours, theirs = pair((2, 4, 4, 3))

    @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 3))])
    def normalized(images):
        return ours(images, training=True)

    for rows in (2, 5):
        images = random((rows, 4, 4, 3))
        np.testing.assert_allclose(
            normalized(images), theirs(images, training=True), atol=1e-5
        )


def test_constant_channels_do_not_divide_by_zero():
    images = tf.fill((2, 4, 4, 3), 1e3)
    for layer in pair(images.shape):
        outputs = layer(images, training=True)
        np.testing.assert_allclose(outputs[0, 0, 0], layer.beta, atol=0.3)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_inference_is_keras(shape):
    images = random(shape)
    ours, theirs = (layer(images, training=False) for layer in pair(shape))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", [SHAPES["rows"], SHAPES["fused"]])
def test_mixed_precision(shape):
    layer = BatchNormalization(dtype="mixed_float16")
    layer.build(shape)
    outputs = layer(tf.cast(random(shape), tf.float16), training=True)
    assert outputs.dtype == tf.float16
    outputs = tf.cast(outputs, tf.float32)
    np.testing.assert_allclose(tf.math.reduce_std(outputs, (0, 1, 2)), 1, atol=1e-2)


def test_frozen_it_keeps_its_statistics():
    layer, _ = pair((2, 4, 4, 3))
    layer.trainable = False
    before = layer.get_weights()
    layer(random((2, 4, 4, 3)), training=True)
    for one, other in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_synchronize_reaches_nested_layers():
    inner = keras.Sequential([keras.layers.Input((4, 4, 3)), BatchNormalization()])
    model = keras.Sequential([keras.layers.Input((4, 4, 3)), inner])
    assert not inner.layers[0].synchronized
    synchronize(model)
    assert inner.layers[0].synchronized
