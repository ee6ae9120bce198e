"""Executions for one image: what dense computes, by the branches of the route alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import IMAGES, assert_same, make, make_dmnn, random_route, run

from export.graph import gating
from tfdyn.layers import execution

BY = {"gated": gating.gated, "ungated": gating.ungated}


class Failing(keras.layers.Layer):
    """A branch that must not run."""

    def call(self, inputs):
        with tf.control_dependencies([tf.debugging.assert_less(inputs, 0.0, "it ran")]):
            return tf.identity(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize("by", BY)
def test_computes_what_dense_computes(by):
    model = make(auxiliary_head=False)
    route = random_route(model, 1)
    expected = run(model, IMAGES, route=route)["logits"]

    @tf.function
    def one(image, route):
        return run_in_graph(model, image, route, BY[by])

    actual = [one(*example) for example in each(IMAGES, route)]
    assert_same(np.concatenate(actual), expected)


def test_the_branches_of_a_known_route_alone_are_in_the_graph():
    model = make(auxiliary_head=False)
    route = random_route(model, 0)
    expected = run(model, IMAGES, route=route)["logits"]
    for (image, image_route), row in zip(each(IMAGES, route), expected, strict=True):
        function = tf.function(lambda x: run_in_graph(model, x, *fixed))  # noqa: B023
        fixed = image_route, gating.ungated
        function = function.get_concrete_function(tf.constant(image))
        assert_same(function(tf.constant(image)).numpy()[0], row)
        names = [op.type for op in function.graph.get_operations()]
        pools = sum((image_route[op.name][0, :2] != 0).sum() for op in model.mixed_ops)
        # Connections of one source share a pool.
        assert sum(name in ("MaxPool", "AvgPool") for name in names) <= pools + 2
        assert "If" not in names and "StatelessIf" not in names


def test_weights_that_are_binary_are_not_multiplied_by():
    branches = [keras.layers.Rescaling(2.0), keras.layers.Rescaling(5.0)]
    inputs = np.full((1, 2, 2, 3), 3, "float32")
    weights = np.array([[0, 1]], "float32")

    def products(binary):
        function = tf.function(
            lambda w: gating.gated(branches, inputs, w, 0 * inputs, binary=binary)
        ).get_concrete_function(tf.constant(weights))
        np.testing.assert_array_equal(function(tf.constant(weights)), 5 * inputs)
        bodies = function.graph.as_graph_def().library.function
        return sum(node.op == "Mul" for body in bodies for node in body.node_def)

    assert products(binary=False) == products(binary=True) + len(branches)


def test_all_branches_of_binary_weights_are_not_multiplied():
    model = make_dmnn()
    route = {
        op.name: np.ones((1, len(op.branches)), "float32") for op in model.mixed_ops
    }
    expected = run(model, IMAGES[:1], route=route)["logits"]

    def products(by):
        function = tf.function(
            lambda x, image_route: run_in_graph(model, x, image_route, by)
        )
        example = tf.constant(IMAGES[:1]), {n: tf.constant(w) for n, w in route.items()}
        function = function.get_concrete_function(*example)
        assert_same(function(*example).numpy(), expected)
        return [op.type for op in function.graph.get_operations()].count("Mul")

    branches = sum(len(op.branches) for op in model.mixed_ops)
    assert products(gating.ungated) == products(gating.unweighted) + branches


@pytest.mark.parametrize("initial", [None, np.ones((1, 2, 2, 3), "float32")])
def test_a_branch_of_weight_zero_does_not_run(initial):
    branches = [Failing(), keras.layers.Rescaling(2.0)]
    inputs = np.full((1, 2, 2, 3), 3, "float32")
    start = 0 if initial is None else 1

    @tf.function
    def call(inputs, weights):
        return gating.gated(branches, inputs, weights, initial)

    outputs = call(tf.constant(inputs), tf.constant([[0.0, 0.5]]))
    assert_same(outputs.numpy(), inputs + start)
    with pytest.raises(tf.errors.InvalidArgumentError, match="it ran"):
        call(tf.constant(inputs), tf.constant([[0.1, 0.5]]))


@pytest.mark.parametrize("by", BY)
def test_no_branch_at_all_gives_the_initial_value_or_zeros(by):
    branches = [Failing(), Failing()]
    inputs, weights = tf.ones((1, 2, 2, 3)), tf.zeros((1, 2))

    @tf.function
    def call(inputs, initial=None):
        return BY[by](branches, inputs, weights, initial)

    assert_same(call(inputs).numpy(), np.zeros((1, 2, 2, 3)))
    assert_same(call(inputs, 2 * inputs).numpy(), np.full((1, 2, 2, 3), 2.0))


def run_in_graph(model, image, route, by):
    with execution.scope(by):
        return model(image, route=route)["logits"]


def each(images, route):
    for row in range(len(images)):
        part = slice(row, row + 1)
        yield images[part], {name: weights[part] for name, weights in route.items()}
