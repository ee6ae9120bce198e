"""Depthwise convolutions as sums of shifted products."""

import keras
import numpy as np
import pytest

from benchmarks import jax_depthwise
from tfdyn.costs import complexity


@pytest.fixture
def both(monkeypatch):
    """Returns a function that calls a layer in Keras's form, and in the shifted one."""
    original = keras.layers.DepthwiseConv2D.call

    def call(layer, inputs):
        expected = layer(inputs)
        # So that the original comes back after the test.
        monkeypatch.setattr(keras.layers.DepthwiseConv2D, "call", original)
        jax_depthwise.use_shifted_products()
        return np.array(expected), np.array(layer(inputs))

    return call


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("size", [8, 7, 1])
def test_equal_to_that_of_keras(both, kernel_size, strides, size):
    inputs = np.random.default_rng(0).normal(size=(2, size, size + 1, 6))
    layer = keras.layers.DepthwiseConv2D(
        kernel_size, strides, "same", bias_initializer="ones", activation="relu"
    )
    keras_form, shifted_form = both(layer, inputs.astype("float32"))
    assert shifted_form.shape == keras_form.shape
    np.testing.assert_allclose(shifted_form, keras_form, atol=1e-5)


def test_sums_in_float32(both):
    # In bfloat16, 256 + 1 is 256.
    inputs = np.ones((1, 3, 3, 1), "float32")
    layer = keras.layers.DepthwiseConv2D(
        3, padding="same", use_bias=False, dtype="bfloat16"
    )
    layer.build(inputs.shape)
    kernel = np.ones((3, 3, 1, 1), "float32")
    kernel[0, 0] = 256
    layer.set_weights([kernel])
    _, shifted_form = both(layer, inputs)
    assert shifted_form[0, 1, 1, 0] == 264


@pytest.mark.parametrize(
    "arguments", [{"padding": "valid"}, {"depth_multiplier": 2}, {"dilation_rate": 2}]
)
def test_other_convolutions_are_refused(both, arguments):
    layer = keras.layers.DepthwiseConv2D(3, **{"padding": "same", **arguments})
    with pytest.raises(NotImplementedError, match="plain depthwise"):
        both(layer, np.ones((1, 8, 8, 2), "float32"))


def test_its_macs_are_counted(both):
    layer = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)
    both(layer, np.ones((1, 8, 8, 2), "float32"))  # Switches to the shifted form.
    assert complexity.macs(layer) == 8 * 8 * 2 * 9
