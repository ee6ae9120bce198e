"""The inside of a `.tflite`: its names, and what would make it slow."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from export.graph.constants import Constants
from export.graph.flatbuffer import Flatbuffer, rename_tensors
from tfdyn import output

SPEC = tf.TensorSpec((1, 4, 4, 3), tf.float32, "image")


class Branch(keras.Sequential):
    """Convolution and batch norm."""

    def __init__(self):
        layers = keras.layers
        convolution = layers.Conv2D(3, 1, use_bias=False)
        super().__init__(
            [layers.Input((4, 4, 3)), convolution, layers.BatchNormalization()]
        )


def converted(function, custom=False):
    module = tf.Module()
    module.serve = tf.function(function).get_concrete_function(image=SPEC)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.serve], module)
    converter.allow_custom_ops = custom
    with output.quiet():
        return converter.convert()


def gated(branch, image):
    gate = tf.reduce_sum(image) > 0
    return {"sum": tf.cond(gate, lambda: image + branch(image), lambda: image)}


@pytest.fixture(scope="module")
def good():
    branch = Branch()
    constants = Constants(branch)

    def serve(image):
        with constants:
            return gated(branch, image)

    return converted(serve)


def test_a_gate_of_constants_has_no_fault(good):
    flatbuffer = Flatbuffer(good)
    assert flatbuffer.faults() == []
    assert flatbuffer.operations["IF"] == 1 and flatbuffer.operations["CONV_2D"] == 1
    assert len(flatbuffer.subgraphs) == 3


def test_weights_that_come_into_a_gate_are_a_fault():
    branch = Branch()
    kernel = branch.layers[0].kernel.numpy()

    def serve(image):
        weights = tf.constant(kernel)  # Outside of the gate.
        return gated(
            lambda x: tf.nn.conv2d(x, weights + 0 * x[0, 0, 0, 0], 1, "SAME"), image
        )

    (fault,) = Flatbuffer(converted(serve)).faults()
    assert "CONV_2D whose weights are not constants in subgraph" in fault


def test_batch_norm_that_is_not_folded_is_a_fault():
    kernel, scale = np.ones((1, 1, 3, 3), "float32"), np.array([1.0, 2, 3], "float32")

    def serve(image):
        # A second use of the convolution keeps its scale apart.
        convolved = tf.nn.conv2d(image, kernel, 1, "SAME")
        return {"sum": convolved * scale + tf.nn.relu(convolved)}

    assert any("not folded" in fault for fault in Flatbuffer(converted(serve)).faults())


def test_an_operation_of_another_runtime_is_a_fault():
    def serve(image):
        return {"sum": tf.raw_ops.Betainc(a=image, b=image, x=image)}

    assert any(
        "not built" in fault for fault in Flatbuffer(converted(serve, True)).faults()
    )


def test_tensors_are_named_as_in_the_signature(good):
    content = rename_tensors(good)
    assert len(content) < len(good)
    before, after = (
        Interpreter(model_content=model, num_threads=1) for model in (good, content)
    )
    image = np.random.default_rng(0).random((1, 4, 4, 3), "float32")
    runs = [i.get_signature_runner()(image=image)["sum"] for i in (before, after)]
    np.testing.assert_array_equal(*runs)
    assert [d["name"] for d in after.get_input_details()] == ["image"]
    assert [d["name"] for d in after.get_output_details()] == ["sum"]
