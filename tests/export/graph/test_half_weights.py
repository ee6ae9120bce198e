"""Weights of float16 in a file of float32."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from litert_files import result

from export.graph.flatbuffer import Flatbuffer
from export.graph.half_weights import LEAST, halve
from tfdyn import output

SIDE = int(LEAST**0.5)


def converted(units):
    """Returns a file of two dense layers with the same weights, and one image."""
    inputs = keras.Input((units,), batch_size=1)
    dense = keras.layers.Dense(units)
    model = keras.Model(inputs, dense(keras.ops.sin(dense(inputs))))
    with output.quiet():
        content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    return content, np.linspace(-1, 1, units, dtype="float32")[None]


@pytest.mark.parametrize("factor", [1, 8])
def test_weights_are_stored_in_half_the_bytes(factor):
    content, image = converted(factor * SIDE)
    changed = halve(content)
    kinds = [kind for *_, kind, _ in Flatbuffer(changed).convolutions()]
    assert kinds in ([], ["FLOAT16"] * len(kinds))
    assert Flatbuffer(changed).operations["DEQUANTIZE"] == 1  # One for both layers.
    saved = len(content) - len(changed)
    assert saved > 2 * (factor * SIDE) ** 2 - 600
    expected = result(content, image)
    np.testing.assert_allclose(result(changed, image), expected, atol=2e-3)
    assert (result(changed, image) != expected).any()
    assert not Flatbuffer(changed).faults()


def test_small_weights_stay():
    content, _ = converted(SIDE - 1)
    assert Flatbuffer(halve(content)).operations == Flatbuffer(content).operations
