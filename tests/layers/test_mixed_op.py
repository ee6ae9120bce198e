"""MixedOp: every execution gives one result, and skips what is not chosen."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfdyn.families.drnet.branches import BRANCHES, make_branches
from tfdyn.layers import execution
from tfdyn.layers.mixed_op import MixedOp

SHAPE = (8, 8, 4)
ROWS, COUNT = 6, len(BRANCHES)

ROUTES = {
    "all": np.full((ROWS, COUNT), 1 / COUNT),
    "one_for_all_rows": np.eye(COUNT)[[2] * ROWS],
    "one_a_row": np.eye(COUNT)[np.arange(ROWS) % COUNT],
    "nothing": np.zeros((ROWS, COUNT)),
    **{
        f"random_{seed}": (random := np.random.default_rng(seed)).random((ROWS, COUNT))
        * (random.random((ROWS, COUNT)) < 0.5)
        for seed in range(3)
    },
}


@pytest.fixture(scope="module")
def mixed_op():
    op = MixedOp(make_branches(BRANCHES, 4, 2), name="op")
    op.build((None, *SHAPE))
    return op


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(ROWS, *SHAPE)).astype("float32")


@pytest.fixture(scope="module")
def initial():
    return np.random.default_rng(1).normal(size=(ROWS, 4, 4, 4)).astype("float32")


def run(function, *arguments, by):
    with execution.scope(by):
        return np.asarray(function(*arguments))


@pytest.fixture(scope="module")
def traced(mixed_op):
    """The layer in graphs that know neither the batch size nor the route."""
    image, weight = tf.TensorSpec((None, *SHAPE)), tf.TensorSpec((None, COUNT))
    first = tf.TensorSpec((None, 4, 4, 4))

    def trace(by, *specs):
        with execution.scope(by):
            return tf.function(
                mixed_op.__call__, input_signature=specs
            ).get_concrete_function()

    executions = (execution.dense, execution.dispatched)
    return {
        (by, len(specs)): trace(by, *specs)
        for by in executions
        for specs in ((image, weight), (image, weight, first))
    }


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("with_initial", [False, True])
def test_dense_is_dispatched(name, with_initial, mixed_op, traced, images, initial):
    arguments = [images, ROUTES[name].astype("float32"), initial][: 2 + with_initial]
    dense = run(mixed_op, *arguments, by=execution.dense)
    dispatched = run(mixed_op, *arguments, by=execution.dispatched)
    np.testing.assert_allclose(dispatched, dense, atol=1e-5)
    for by in (execution.dense, execution.dispatched):
        graph = traced[by, len(arguments)]
        outputs = graph(*map(tf.constant, arguments)).numpy()
        np.testing.assert_allclose(outputs, dense, atol=1e-5)


@pytest.mark.parametrize("by", [execution.dense, execution.dispatched])
def test_one_branch_alone_is_that_branch(mixed_op, images, by):
    for index, branch in enumerate(mixed_op.branches):
        weights = np.eye(COUNT, dtype="float32")[[index] * ROWS]
        outputs = run(mixed_op, images, weights, by=by)
        np.testing.assert_allclose(outputs, branch(images), atol=1e-6)


@pytest.mark.parametrize("by", [execution.dense, execution.dispatched])
def test_where_nothing_is_selected_the_initial_value_stays(
    mixed_op, images, initial, by
):
    weights = ROUTES["nothing"].astype("float32")
    np.testing.assert_array_equal(
        run(mixed_op, images, weights, initial, by=by), initial
    )
    assert not run(mixed_op, images, weights, by=by).any()


def test_a_single_branch(images):
    op = MixedOp([layers.ReLU()])
    weights = np.asarray([[0.5]] * 3 + [[0]] * 3, "float32")
    expected = np.maximum(images, 0) * weights[:, :, None, None]
    for by in (execution.dense, execution.dispatched):
        np.testing.assert_array_equal(run(op, images, weights, by=by), expected)


def test_dispatched_runs_a_branch_on_the_rows_that_chose_it():
    seen = {}

    class Recorder(keras.layers.Layer):
        def call(self, inputs):
            seen[self.name] = np.asarray(inputs)[:, 0].tolist()
            return inputs

        def compute_output_shape(self, shape):
            return shape

    op = MixedOp([Recorder(name=name) for name in "abc"])
    rows = np.arange(4, dtype="float32").reshape(4, 1)
    weights = np.asarray([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0, 0]], "float32")
    run(op, rows, weights, by=execution.dispatched)
    assert seen == {"a": [0, 1], "b": [1, 2]}
    run(op, rows, weights, by=execution.dense)
    assert seen == dict.fromkeys("abc", [0, 1, 2, 3])


class NotANumber(keras.layers.Layer):
    """A branch that spoils every row that it runs on."""

    def call(self, inputs):
        return inputs * float("nan")

    def compute_output_shape(self, shape):
        return shape


def test_dispatched_in_a_graph_runs_nothing_on_other_rows():
    op = MixedOp([layers.Identity(), NotANumber()])
    weights = np.asarray([[1, 0], [0.5, 0.5], [2, 0]], "float32")

    @tf.function(input_signature=[tf.TensorSpec((None, 1)), tf.TensorSpec((None, 2))])
    def graph(inputs, weights):
        return op(inputs, weights)

    outputs = run(graph, np.ones((3, 1), "float32"), weights, by=execution.dispatched)
    np.testing.assert_array_equal(outputs, [[1], [np.nan], [2]])


def test_dense_is_differentiable_in_weights_and_inputs(mixed_op, images):
    weights = tf.constant(ROUTES["all"], tf.float32)
    inputs = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch([weights, inputs])
        loss = tf.reduce_sum(mixed_op(inputs, weights))
    for gradient in tape.gradient(loss, [weights, inputs]):
        assert np.asarray(gradient).any()


def test_no_branches_are_refused():
    with pytest.raises(ValueError, match="at least one branch"):
        MixedOp([])
