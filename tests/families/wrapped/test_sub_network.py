"""SubNetwork: a part of a graph as a layer."""

import keras
import numpy as np
import pytest
import tiny_wrapped
from keras import layers

from tfdyn.families.wrapped.graph import IMAGE, read_graph
from tfdyn.families.wrapped.sub_network import SubNetwork
from tfdyn.layers import quantization


def node(layer, *reads, **kwargs):
    """A node that calls a layer with tensors."""
    return {
        "name": layer.name,
        "operation": keras.saving.serialize_keras_object(layer),
        "args": [{"tensor": name} for name in reads],
        "kwargs": kwargs,
    }


def body():
    return [
        node(layers.Conv2D(4, 3, padding="same", name="conv"), "somewhere"),
        node(layers.BatchNormalization(name="norm"), "conv"),
        node(layers.ReLU(name="relu"), "norm"),
        node(layers.MaxPooling2D(name="pool"), "relu"),
        node(layers.Conv2D(4, 1, name="last"), "pool"),
    ]


def built(nodes, **arguments):
    layer = SubNetwork(nodes, **arguments)
    layer.build((None, 8, 8, 3))
    return layer


def test_it_computes_what_its_layers_do():
    layer, images = built(body(), name="body"), tiny_wrapped.images()
    assert layer.entry == "somewhere"
    tiny_wrapped.randomize(layer)
    expected = images
    for each in layer.operations:
        expected = each(expected)
    np.testing.assert_array_equal(layer(images), expected)
    assert layer.compute_output_shape((5, 8, 8, 3)) == (5, 4, 4, 4)
    assert len(layer.weights) == 8


def test_it_is_saved_with_its_weights(tmp_path):
    layer, images = built(body(), kind="stem", name="body"), tiny_wrapped.images()
    model = keras.Sequential([keras.Input((8, 8, 3)), tiny_wrapped.randomize(layer)])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images), model(images))
    assert loaded.layers[0].kind == "stem"


def test_lists_of_tensors_and_plain_arguments():
    add = layers.Add(name="sum")
    last = node(add)
    last["args"] = [[{"tensor": "relu"}, {"tensor": "in"}]]
    picked = node(layers.BatchNormalization(name="norm"), "sum", training=False)
    nodes = [node(layers.ReLU(name="relu"), "in"), last, picked]
    images = tiny_wrapped.images()
    expected = (np.maximum(images, 0) + images) / np.sqrt(1.001)
    np.testing.assert_allclose(built(nodes)(images), expected, atol=1e-6)


def test_training_reaches_the_layers_inside():
    layer, images = built(body()), tiny_wrapped.images()
    norm = layer.operations[1]
    before = np.array(norm.moving_mean)
    layer(images, training=False)
    np.testing.assert_array_equal(norm.moving_mean, before)
    layer(images, training=True)
    assert np.abs(np.asarray(norm.moving_mean) - before).max() > 0
    layer.trainable = False
    before = np.array(norm.moving_mean)
    layer(images, training=True)
    np.testing.assert_array_equal(norm.moving_mean, before)


def test_what_devices_fuse_is_rounded_once():
    class Places(quantization.Quantization):
        def __init__(self):
            self.seen = []

        def point(self, tensor, layer, place):
            self.seen.append(place)
            return tensor

    layer, places = built(body()), Places()
    with quantization.scope(places):
        layer(tiny_wrapped.images())
    # Convolution, norm and ReLU are one operation; a pool keeps the scale.
    assert places.seen == ["relu", "last"]


@pytest.mark.parametrize("name", ["squeezed", "operators"])
def test_a_whole_graph_is_a_layer(name):
    model, images = tiny_wrapped.MODELS[name][0](), tiny_wrapped.images()
    graph = read_graph(model)
    layer = built(graph.nodes)
    assert layer.entry == IMAGE
    for operation in layer.operations:
        if isinstance(operation, keras.Layer) and operation.weights:
            source = graph.operations[operation.name]
            operation.set_weights(source.get_weights())
    np.testing.assert_array_equal(layer(images), model(images))
