"""Constants: variables that are constants wherever they are read."""

import keras
import numpy as np
import tensorflow as tf

from export.graph.constants import Constants

INPUTS = np.arange(6, dtype="float32").reshape(2, 3)


def traced(layer):
    constants = Constants(layer)

    @tf.function
    def call(inputs, on):
        with constants:
            return tf.cond(on, lambda: layer(inputs), lambda: inputs)

    on = tf.TensorSpec((), tf.bool)
    return call.get_concrete_function(tf.TensorSpec((2, 3)), on)


def dense():
    layer = keras.layers.Dense(3)
    layer.build((None, 3))
    return layer


def test_a_graph_holds_the_values_and_no_variable():
    layer = dense()
    function, expected = traced(layer), layer(INPUTS)
    layer.kernel.assign(0 * layer.kernel)
    assert not function.captured_inputs
    np.testing.assert_allclose(
        function(tf.constant(INPUTS), tf.constant(True)), expected
    )


def test_a_constant_is_made_inside_the_branch_that_reads_it():
    graph = traced(dense()).graph.as_graph_def()
    shapes = {
        function.signature.name: [
            [d.size for d in node.attr["value"].tensor.tensor_shape.dim]
            for node in function.node_def
            if node.op == "Const"
        ]
        for function in graph.library.function
    }
    (inside,) = (s for name, s in shapes.items() if "true" in name)
    assert [3, 3] in inside
    (gate,) = (node for node in graph.node if node.op in ("If", "StatelessIf"))
    assert len(gate.attr["Tin"].list.type) == 1  # The inputs alone.
