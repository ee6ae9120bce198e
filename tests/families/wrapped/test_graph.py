"""The graph of a Keras model: its nodes, and models that have none."""

import json

import keras
import numpy as np
import pytest
import tiny_wrapped
from keras import layers, ops

from tfdyn.errors import UserError
from tfdyn.families.wrapped.graph import IMAGE, inputs_of, read_graph
from tfdyn.families.wrapped.sub_network import run_nodes

INPUTS = keras.Input(tiny_wrapped.RGB, name="picture")


def head(x):
    return layers.Dense(3)(layers.Flatten()(x))


def test_nodes_are_the_layers_and_what_each_reads():
    graph = read_graph(tiny_wrapped.squeezed())
    assert graph.input_shape == tiny_wrapped.RGB
    reads = {node["name"]: inputs_of(node) for node in graph.nodes}
    assert reads == {
        "stem_conv": [IMAGE],
        "stem_norm": ["stem_conv"],
        "stem": ["stem_norm"],
        "one_conv": ["stem"],
        "one_norm": ["one_conv"],
        "squeeze": ["one_norm"],
        "excite": ["squeeze"],
        "weighed": ["one_norm", "excite"],
        "one": ["stem", "weighed"],
        "pool": ["one"],
        "classes": ["pool"],
    }


@pytest.mark.parametrize("name", tiny_wrapped.MODELS)
def test_a_node_reads_what_stands_before_it_and_is_ready_for_json(name):
    nodes = read_graph(tiny_wrapped.MODELS[name][0]()).nodes
    assert json.dumps(json.loads(json.dumps(nodes))) == json.dumps(nodes)
    names = [IMAGE, *(node["name"] for node in nodes)]
    assert len({*names}) == len(names)
    for index, node in enumerate(nodes, 1):
        assert {*inputs_of(node)} <= {*names[:index]}


@pytest.mark.parametrize("name", ["nested", "operators"])
def test_the_nodes_compute_what_the_model_does(name):
    model, images = tiny_wrapped.MODELS[name][0](), tiny_wrapped.images()
    graph = read_graph(model)
    operations = [graph.operations[node["name"]] for node in graph.nodes]
    outputs = run_nodes(graph.nodes, operations, {IMAGE: images})
    np.testing.assert_array_equal(outputs, model(images))


def test_layers_of_inner_models_are_named_after_these():
    names = [node["name"] for node in read_graph(tiny_wrapped.nested()).nodes]
    inner = ["block_inner_conv", "block_inner_norm", "block_sum"]
    assert names == ["stem_conv", "stem_relu", *inner, "pool", "classes"]


def test_what_the_output_does_not_depend_on_is_left_out():
    x = layers.Conv2D(2, 1, name="used")(INPUTS)
    layers.Conv2D(2, 1, name="unused")(x)
    both = keras.Model(INPUTS, [head(x), layers.ReLU(name="second")(x)])
    model = keras.Model(both.inputs[0], both.outputs[0])
    names = [node["name"] for node in read_graph(model).nodes]
    assert names[0] == "used" and not {"unused", "second"} & {*names}


def test_an_input_that_is_read_twice_is_named_once():
    x = layers.Multiply(name="square")([INPUTS, INPUTS])
    node, *_ = read_graph(keras.Model(INPUTS, head(x))).nodes
    assert inputs_of(node) == [IMAGE]


class Unregistered(layers.Layer):
    """A layer that a file cannot name."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.head = layers.Dense(3)

    def call(self, inputs):
        return self.head(ops.mean(inputs, (1, 2)))


def two_inputs():
    other = keras.Input((4,), name="other")
    merged = layers.Concatenate()([layers.Flatten()(INPUTS), other])
    return keras.Model([INPUTS, other], layers.Dense(3)(merged), name="pair")


def two_outputs():
    return keras.Model(INPUTS, [head(INPUTS), head(INPUTS)], name="twins")


def shared():
    conv = layers.Conv2D(3, 3, padding="same", name="twice")
    return keras.Model(INPUTS, head(conv(conv(INPUTS))))


def with_lambda():
    return keras.Model(INPUTS, head(layers.Lambda(lambda x: x * 2, name="f")(INPUTS)))


def unregistered():
    return keras.Model(INPUTS, head(Unregistered(2.0, name="own")(INPUTS)))


def of_any_size():
    inputs = keras.Input((None, None, 3))
    pooled = layers.GlobalAveragePooling2D()(inputs)
    return keras.Model(inputs, layers.Dense(3)(pooled), name="free")


def of_vectors():
    return keras.Sequential([keras.Input((5,)), layers.Dense(3)], name="flat")


def several_outputs_of_a_layer():
    left, right = ops.split(INPUTS, [1], axis=-1)
    return keras.Model(INPUTS, head(layers.Concatenate()([right, left])))


def inner_of_two_inputs():
    inputs = [keras.Input(tiny_wrapped.RGB) for _ in range(2)]
    inner = keras.Model(inputs, layers.Add()(inputs), name="inner")
    return keras.Model(INPUTS, head(inner([INPUTS, layers.ReLU()(INPUTS)])))


def two_of_one_name():
    part = keras.Input(tiny_wrapped.RGB)
    block = keras.Model(part, layers.ReLU(name="b")(part), name="a")
    x = block(layers.ReLU(name="a_b")(INPUTS))
    return keras.Model(INPUTS, head(x))


def test_layers_of_one_name_are_two_nodes():
    names = [node["name"] for node in read_graph(two_of_one_name()).nodes]
    assert names[:2] == ["a_b", "a_b_"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (two_inputs, ["pair has 2 inputs and 1 outputs", "model.inputs[0]"]),
        (two_outputs, ["twins has 1 inputs and 2 outputs", "model.outputs[0]"]),
        (shared, ["twice is called 2 times", "a layer of its own for each call"]),
        (with_lambda, ["f is a Lambda layer", "keras.ops"]),
        (
            Subclassed,
            ["Subclassed is not a functional", "keras.Model(inputs, outputs)"],
        ),
        (
            lambda: keras.Sequential([layers.Dense(3)], name="empty"),
            ["empty is not built", "keras.Input((height, width, channels))"],
        ),
        (
            unregistered,
            ["own, a Unregistered, cannot be copied", "register_keras_serializable"],
        ),
        (of_any_size, ["free reads inputs of the shape (None, None, 3)", "fixed"]),
        (of_vectors, ["flat reads inputs of the shape (5,)", "input_shape=(height"]),
        (
            several_outputs_of_a_layer,
            ["split", "several outputs: layers of one output"],
        ),
        (inner_of_two_inputs, ["inner, a model inside the model", "one input"]),
    ],
)
def test_models_that_cannot_be_wrapped(make, says):
    with pytest.raises(UserError) as error:
        read_graph(make())
    for words in says:
        assert words in str(error.value)


def test_a_model_of_keras_2_is_sent_to_keras_3():
    kind = type("Sequential", (), {"__module__": "tf_keras.src.engine.sequential"})
    with pytest.raises(UserError, match="tf_keras, which is Keras 2.* .keras file"):
        read_graph(kind())


@keras.saving.register_keras_serializable("tests_of_graph")
class Registered(layers.Layer):
    """A layer of a user, with a weight and a configuration."""

    def __init__(self, power, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def build(self, input_shape):
        self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")

    def call(self, inputs):
        return self.factor * inputs**self.power

    def get_config(self):
        return {**super().get_config(), "power": self.power}


def test_a_registered_layer_of_a_user_is_a_node():
    model = keras.Model(INPUTS, head(Registered(2, name="own")(INPUTS)))
    node, *_ = read_graph(model).nodes
    assert node["name"] == "own" and node["operation"]["config"]["power"] == 2
