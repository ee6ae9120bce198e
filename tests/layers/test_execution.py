"""The seam: what its executions compute, and where a scope holds."""

import threading

import keras
import numpy as np
import pytest
from keras import layers

from tfdyn.layers import execution

EXECUTIONS = {"dense": execution.dense, "dispatched": execution.dispatched}
BRANCHES = [layers.Rescaling(2.0), layers.Rescaling(-1.0), layers.Identity()]
INPUTS = np.arange(8, dtype="float32").reshape(4, 2)
WEIGHTS = np.asarray(
    [[1, 0, 0], [0, 0.25, 0.75], [0.5, 0.5, 2], [0, 0, 0]], dtype="float32"
)


@pytest.mark.parametrize("name", EXECUTIONS)
@pytest.mark.parametrize("initial", [None, 10 * INPUTS + 1])
def test_is_the_weighted_sum_of_the_branches(name, initial):
    outputs = EXECUTIONS[name](BRANCHES, INPUTS, WEIGHTS, initial)
    sums = (WEIGHTS * [2, -1, 1]).sum(axis=1, keepdims=True) * INPUTS
    np.testing.assert_allclose(outputs, sums if initial is None else sums + initial)


class Op:
    """Stands in for a `MixedOp`."""

    def __init__(self, name, branches):
        self.name, self.branches = name, branches


@pytest.mark.parametrize("weights", [[1, 0, 0], [0, 1, 1], [0.25, 0, 0.75], [0, 0, 0]])
@pytest.mark.parametrize("initial", [None, 10 * INPUTS + 1])
def test_a_fixed_route_is_that_of_dense(weights, initial):
    weights = np.asarray([weights], "float32")
    other = [layers.Rescaling(5.0)]
    ops = [Op("other", other), Op("op", BRANCHES)]
    run = execution.fixed({"op": weights, "other": np.ones((1, 1))}, ops)
    expected = execution.dense(BRANCHES, INPUTS, np.repeat(weights, 4, axis=0), initial)
    np.testing.assert_allclose(run(BRANCHES, INPUTS, weights, initial), expected)
    np.testing.assert_allclose(run(other, INPUTS, None), 5 * INPUTS)


def test_a_fixed_route_leaves_out_what_has_no_weight():
    def fail(inputs):
        raise AssertionError("is not called")

    branches = [layers.Lambda(fail), layers.Identity()]
    run = execution.fixed({"op": np.asarray([[0, 1.0]])}, [Op("op", branches)])
    assert run(branches, INPUTS, None) is not None


@pytest.mark.parametrize("weights", [[1, 0], [0.5, 0.5], [0, 0]])
def test_a_fixed_route_has_the_type_of_the_branches(weights):
    branches = [
        layers.Rescaling(2.0, dtype="float16"),
        layers.Identity(dtype="float16"),
    ]
    run = execution.fixed({"op": np.asarray([weights])}, [Op("op", branches)])
    outputs = run(branches, INPUTS, None)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float16"
    expected = np.dot(weights, [2, 1]) * INPUTS
    np.testing.assert_allclose(keras.ops.cast(outputs, "float32"), expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", EXECUTIONS)
def test_the_type_is_that_of_the_branches(name, dtype):
    branches = [layers.Rescaling(2.0, dtype=dtype), layers.Identity(dtype=dtype)]
    outputs = EXECUTIONS[name](branches, INPUTS, WEIGHTS[:, :2])
    assert keras.backend.standardize_dtype(outputs.dtype) == dtype
    expected = (WEIGHTS[:, :2] * [2, 1]).sum(axis=1, keepdims=True) * INPUTS
    np.testing.assert_allclose(keras.ops.cast(outputs, "float32"), expected)


def another(*arguments):
    raise AssertionError("is not called")


def test_dense_is_the_default():
    assert execution.current() is execution.dense


def test_scopes_nest():
    with execution.scope(execution.dispatched):
        with execution.scope(another):
            assert execution.current() is another
        assert execution.current() is execution.dispatched
    assert execution.current() is execution.dense


def test_a_scope_ends_with_an_exception():
    with pytest.raises(KeyError), execution.scope(another):
        raise KeyError
    assert execution.current() is execution.dense


def test_a_scope_holds_in_its_thread_alone():
    seen = []
    with execution.scope(execution.dispatched):
        thread = threading.Thread(target=lambda: seen.append(execution.current()))
        thread.start()
        thread.join()
    assert seen == [execution.dense]
