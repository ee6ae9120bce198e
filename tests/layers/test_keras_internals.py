"""What `tfdyn.layers.keras_internals` promises, checked on tiny Keras layers."""

import ast

import keras
import pytest
from keras import layers, ops
from paths import ROOT

from tfdyn.layers.keras_internals import (
    all_layers,
    graph_nodes,
    is_functional,
    parameters,
    remove_sublayer,
    sublayers,
    variable_index,
)

DOOR = ROOT / "tfdyn/layers/keras_internals.py"
KERAS_CLASSES = (
    keras.Layer,
    keras.Model,
    keras.Loss,
    keras.Metric,
    keras.callbacks.Callback,
    keras.optimizers.SGD,
)


class Holder(keras.layers.Layer):
    """Holds layers in an attribute, a list and a dictionary; "a" is held twice."""

    def __init__(self):
        super().__init__()
        self.attribute = layers.ReLU(name="a")
        self.list = [layers.Dense(1, name="b"), self.attribute]
        self.dictionary = {"key": layers.ReLU(name="c")}


class Nested(keras.Model):
    """Holds a `Holder` and two other layers; "first" is held twice."""

    def __init__(self):
        super().__init__(name="nested")
        self.first = layers.Dense(1, name="first")
        self.pair = Holder()
        self.last = [layers.ReLU(name="last"), self.first]

    def build(self, input_shape):
        self.first.build(input_shape)

    def call(self, inputs):
        return self.first(inputs)


def names(some_layers):
    return [layer.name for layer in some_layers]


def test_sublayers_of_attributes_lists_and_dictionaries_in_order_each_once():
    assert names(sublayers(Holder())) == ["a", "b", "c"]


def test_sublayers_are_those_held_directly():
    model = Nested()
    assert names(sublayers(model)) == ["first", model.pair.name, "last"]
    assert sublayers(layers.ReLU()) == []


def test_sublayers_of_a_sequential_are_its_layers():
    model = keras.Sequential([layers.Dense(1, name="a"), layers.ReLU(name="b")])
    assert names(sublayers(model)) == ["a", "b"]


def test_all_layers_begin_with_the_layer_itself_and_hold_each_once():
    model = Nested()
    first, *others = all_layers(model)
    assert first is model
    assert sorted(names(others)) == sorted(
        ["first", model.pair.name, "a", "b", "c", "last"]
    )


def test_all_layers_reach_into_a_model_in_a_model():
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(1, name="inside")])
    outer = keras.Sequential([layers.Input((4,)), inner])
    assert "inside" in names(all_layers(outer))


def test_graph_nodes_of_operations_hold_arguments_and_outputs():
    inputs, weight = keras.KerasTensor((1, 4)), keras.Variable([[1.0]] * 4)
    total = ops.sum(ops.matmul(inputs, weight), axis=1)
    nodes = graph_nodes([inputs], [total])
    by_name = {type(node.operation).__name__: node for node in nodes}
    assert len(nodes) == 2 and by_name.keys() == {"Matmul", "Sum"}
    matmul = by_name["Matmul"]
    assert matmul.args[0] is inputs and matmul.args[1] is weight
    assert by_name["Sum"].operation.axis in (1, (1,), [1])
    assert [output.shape for output in matmul.outputs] == [(1, 1)]


def test_graph_nodes_of_layers_are_one_for_each_call():
    dense = layers.Dense(3)
    inputs = keras.KerasTensor((1, 3))
    outputs = dense(dense(inputs, training=True))
    nodes = graph_nodes([inputs], [outputs])
    assert [node.operation for node in nodes] == [dense, dense]
    modes = [node.kwargs.get("training") for node in nodes]
    assert True in modes and len(set(modes)) == 2


def test_graph_nodes_leave_out_what_no_output_depends_on():
    inputs = [keras.KerasTensor((1, 3)), keras.KerasTensor((1, 3))]
    output, _ = ops.relu(inputs[0]), ops.exp(inputs[1])
    nodes = graph_nodes(inputs, [output])
    assert [type(node.operation).__name__ for node in nodes] == ["Relu"]


def test_graph_nodes_stop_at_inputs_that_were_computed_themselves():
    middle = ops.exp(keras.KerasTensor((1, 3)))
    nodes = graph_nodes([middle], [ops.relu(middle)])
    assert [type(node.operation).__name__ for node in nodes] == ["Relu"]


def test_variable_index_is_the_position_in_the_lists_of_the_optimizer():
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    variables = [keras.Variable([0.0] * size) for size in (1, 2, 3)]
    optimizer.build(variables)
    assert [variable_index(optimizer, each) for each in variables] == [0, 1, 2]
    for variable in variables:
        momentum = optimizer.momentums[variable_index(optimizer, variable)]
        assert momentum.shape == variable.shape


def test_a_graph_of_layers_is_functional_and_nothing_else_is():
    inputs = keras.Input((2,))
    assert is_functional(keras.Model(inputs, layers.Dense(1)(inputs)))
    others = [Nested(), keras.Sequential([keras.Input((2,))]), layers.ReLU(), None]
    assert not any(map(is_functional, others))


def private_reads(file):
    """Yields the private attributes of Keras or of other objects that a file reads.

    An object's private attribute may be read through `self` and `cls` only, unless
    one of Keras's classes defines it.
    """
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_"):
            continue
        if node.attr.endswith("__"):
            continue
        in_keras = any(hasattr(each, node.attr) for each in KERAS_CLASSES)
        if in_keras or ast.unparse(node.value) not in ("self", "cls"):
            yield ast.unparse(node)


@pytest.mark.parametrize("folder", ["tfdyn", "export", "benchmarks"])
def test_no_other_file_reads_private_attributes(folder):
    files = set((ROOT / folder).rglob("*.py")) - {DOOR}
    assert files
    reads = {
        file.relative_to(ROOT).as_posix(): [*private_reads(file)] for file in files
    }
    assert {file: names for file, names in reads.items() if names} == {}


def test_what_the_file_itself_reads_would_be_noticed():
    reads = {read.rpartition(".")[2] for read in private_reads(DOOR)}
    assert reads == {
        "_flatten_layers",
        "_get_variable_index",
        "_nodes_by_depth",
        "_tracker",
        "_trainable_variables",
    }


def test_private_attributes_of_keras_are_noticed_behind_self(tmp_path):
    file = tmp_path / "file.py"
    file.write_text("self._flatten_layers()\nself._ours\nself.__class__\nlayer._ours")
    assert {*private_reads(file)} == {"self._flatten_layers", "layer._ours"}


def test_a_removed_sublayer_is_in_no_attribute_list_or_file(tmp_path):
    model = Nested()
    model(ops.ones((2, 1)))
    remove_sublayer(model, model.first)
    assert model.first is None and names(model.last) == ["last"]
    assert names(sublayers(model)) == [model.pair.name, "last"]
    assert not model.weights
    model.save_weights(tmp_path / "nested.weights.h5")
    again = Nested()
    again(ops.ones((2, 1)))
    with pytest.raises(ValueError):  # It has weights that the file lacks.
        again.load_weights(tmp_path / "nested.weights.h5")
    remove_sublayer(again, again.first)
    again.load_weights(tmp_path / "nested.weights.h5")


def test_parameters_are_what_is_learnt_frozen_or_not():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3)])
    model.add(layers.BatchNormalization())
    expected = {id(weight) for weight in model.trainable_weights}
    assert len(expected) == 4
    for frozen in (model.layers[0], model):
        frozen.trainable = False
        assert {id(weight) for weight in parameters(model)} == expected
        assert len(parameters(model)) == 4
