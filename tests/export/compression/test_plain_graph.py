"""PlainGraph: the layers of a static network compute what its file computes."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_codebooks import random_codebook
from tiny_networks import make, make_dmnn, make_instanas

from export.compression.plain_graph import PlainGraph
from export.graph import trace
from export.graph.convert import convert
from export.graph.form import Form
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError

FORMAT = InputFormat(tuple("abc"), (8, 8, 1), (0.4,), (0.2,))


def fixed(model):
    """The file of a route that takes every second branch, and its function."""
    route = np.arange(model.route_spec.size) % 2
    if hasattr(model, "routes"):
        route = model.routes[-1]
    route = route.astype("float32")
    function = trace.gated(model.for_inference(), FORMAT, Form("fixed"), route)
    return convert(function), function


def run(graph, image):
    """Computes the logits of an image with NumPy and TensorFlow's plain operations."""
    tensors = {-1: image.astype("float32")[None]}
    for index, layer in enumerate(graph.layers):
        inputs = [tensors[each] for each in layer.inputs]
        tensors[index] = compute(layer, inputs)
    return tensors[len(graph.layers) - 1]


def compute(layer, inputs):
    x, settings = inputs[0], dict(layer.settings)
    if "padding" in settings and layer.kind != "pad":
        settings["padding"] = settings["padding"].upper()
    strides = settings.get("strides", (1, 1))
    if layer.kind == "conv":
        x = tf.nn.conv2d(x, layer.kernel, strides, settings["padding"])
        return x + layer.bias
    if layer.kind in ("depthwise", "scale"):
        padding = settings.get("padding", "VALID")
        kernel = tf.cast(layer.kernel, tf.float32)
        x = tf.nn.depthwise_conv2d(x, kernel, (1, *strides, 1), padding)
        return x + tf.cast(layer.bias, tf.float32)
    return {
        "dense": lambda: x @ layer.kernel + layer.bias,
        "relu": lambda: tf.nn.relu(x),
        "relu6": lambda: tf.nn.relu6(x),
        "add": lambda: inputs[0] + inputs[1],
        "concatenate": lambda: tf.concat(inputs, -1),
        "max_pool": lambda: tf.nn.max_pool2d(
            x, settings["pool_size"], strides, settings["padding"]
        ),
        "average_pool": lambda: tf.nn.avg_pool2d(
            x, settings["pool_size"], strides, settings["padding"]
        ),
        "global_average": lambda: tf.reduce_mean(x, (1, 2)),
        "pad": lambda: tf.pad(x, [[0, 0], *settings["padding"], [0, 0]]),
    }[layer.kind]()


@pytest.mark.parametrize(
    "build", [make, make_dmnn, make_instanas, lambda: random_codebook(make_instanas())]
)
def test_computes_the_same_logits(build):
    content, function = fixed(build())
    graph = PlainGraph(content)
    assert graph.image_shape == (8, 8, 1)
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 1), "uint8")
    expected = function(image=tf.constant(image[None]))
    np.testing.assert_allclose(run(graph, image), expected["logits"], atol=1e-4)
    for name, value in graph.constants.items():
        np.testing.assert_array_equal(value, expected[name])


def test_refuses_what_it_cannot_rebuild():
    function = tf.function(
        lambda image: {
            "logits": tf.reduce_mean(tf.cos(tf.cast(image, tf.float32)), (1, 2))
        }
    ).get_concrete_function(tf.TensorSpec((1, 8, 8, 1), tf.uint8, "image"))
    with pytest.raises(UserError, match="operation COS, .*--variant=fixed"):
        PlainGraph(convert(function))
