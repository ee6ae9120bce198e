"""ReLU of int8 as a sum with 0."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from litert_files import result

from export.graph.flatbuffer import Flatbuffer
from export.graph.int8_relu import add_zero
from tfdyn import output

SHAPE = (1, 4, 4, 3)


def converted(activation, adds=False):
    """Returns an int8 file in which an activation stands alone, for -8 to 8."""
    inputs = keras.Input(SHAPE[1:], batch_size=1)
    total = inputs + keras.ops.flip(inputs, 2) if adds else inputs
    # A sum beside the activation would take it in.
    outputs = keras.ops.flip(activation(keras.ops.flip(total, 1)), 1)
    model = keras.Model(inputs, outputs)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    images = np.linspace(-8, 8, 48 * 20, dtype="float32").reshape(20, *SHAPE)
    converter.representative_dataset = lambda: ([image] for image in images)
    with output.quiet():
        return converter.convert()


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")
@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("activation", [keras.ops.relu, keras.ops.relu6])
def test_the_sum_gives_the_same(activation, adds):
    content = converted(activation, adds)
    name = activation.__name__.upper()
    assert name in Flatbuffer(content).operations
    changed = add_zero(content)
    assert name not in Flatbuffer(changed).operations
    assert Flatbuffer(changed).operations["ADD"] == 1 + adds
    image = np.linspace(-8, 8, 48, dtype="float32").reshape(SHAPE)
    before, after = result(content, image), result(changed, image)
    np.testing.assert_allclose(after, before, atol=0.07)
    assert after.min() == 0


def test_a_relu_of_float_stays():
    inputs = keras.Input(SHAPE[1:], batch_size=1)
    model = keras.Model(inputs, keras.ops.relu(inputs))
    with output.quiet():
        content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    assert Flatbuffer(add_zero(content)).operations == {"RELU": 1}
