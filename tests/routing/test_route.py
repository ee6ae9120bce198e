"""Routes for fixed graphs: read, drawn, counted."""

import json

import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tiny_networks import make, make_dmnn

from tfdyn.layers.mixed_op import MixedOp
from tfdyn.routing.random_routes import random_routes
from tfdyn.routing.route import distinct, most_frequent, select_mixed_ops


@pytest.fixture(scope="module")
def model():
    return make(num_cells=1, auxiliary_head=False)


def test_a_route_is_read_as_it_was_written(model, tmp_path):
    (route,) = random_routes(model.route_spec, 1, 2.0)
    path = tmp_path / "route.json"
    path.write_text(json.dumps(model.route_spec.to_json(route)))
    np.testing.assert_allclose(model.route_spec.load(path), route, atol=1e-6)


FIRST = "cell_0_node_2_from_0"


def write_route(path, route, **changes):
    path.write_text(json.dumps({**route, **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({FIRST: [1, 0]}, "node_2_from_0 needs 5 weights"),
        ({FIRST: [[1, 0, 0, 0, 0]]}, "is not a list of numbers"),
        ({FIRST: [0] * 5}, "must run 1 or more of its branches"),
        ({FIRST: [1, -0.5, 0, 0, 0]}, "needs weights from 0 to 1"),
        ({FIRST: [1, 1.5, 0, 0, 0]}, "needs weights from 0 to 1"),
        ({FIRST: [float("nan")] * 5}, "needs weights from 0 to 1"),
        ({FIRST: [float("inf"), 0, 0, 0, 0]}, "needs weights from 0 to 1"),
        ({FIRST: [10**400, 0, 0, 0, 0]}, "too large"),
        ({FIRST: "all"}, "all is not a list of numbers"),
        ({FIRST: ["1", 0, 0, 0, 0]}, "is not a list of numbers"),
        ({FIRST: None}, "None is not a list of numbers"),
        ({"cell_9": [1, 0, 0, 0, 0]}, "it names 'cell_9', which is no connection"),
    ],
)
def test_what_is_no_route_of_the_network_is_an_error(model, tmp_path, changes, message):
    route = model.route_spec.to_json(np.ones(20))
    path = write_route(tmp_path / "route.json", route, **changes)
    with pytest.raises(ValueError, match=f"not a route of this network: .*{message}"):
        model.route_spec.load(path)


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, "{}"], ids=range(5))
def test_what_is_no_route_at_all_is_an_error(model, tmp_path, text):
    path = tmp_path / "route.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="route.json is not a route of this network"):
        model.route_spec.load(path)


def test_a_route_of_a_binary_network(tmp_path):
    spec = make_dmnn().route_spec
    nothing = spec.to_json(np.zeros(spec.size))
    if not any(spec.least_branches):  # Every block may be passed by.
        path = write_route(tmp_path / "route.json", nothing)
        assert not spec.load(path).any()
    name, weights = next(iter(nothing.items()))
    half = {name: [0.5] * len(weights)}
    path = write_route(tmp_path / "route.json", nothing, **half)
    with pytest.raises(ValueError, match=f"{name} needs weights 0 or 1"):
        spec.load(path)


def test_a_flat_route_is_checked_too(model):
    model.route_spec.check(np.ones(20, "float32"))
    for route in (np.ones(19), np.ones((1, 20)), -np.ones(20), np.zeros(20)):
        with pytest.raises(ValueError, match="needs|must run|has 20 weights"):
            model.route_spec.check(route)


def test_the_most_frequent_set_of_branches_and_its_mean_weights():
    flat_routes = np.array([[0.4, 0.6, 0], [0, 0, 1], [0.6, 0.4, 0], [1, 0, 0]])
    route, share = most_frequent(flat_routes)
    np.testing.assert_allclose(route, [0.5, 0.5, 0])
    assert share == 0.5


def test_routes_that_run_the_same_branches_are_one(model):
    a, b = random_routes(model.route_spec, 2, 1.0)
    different, indices = distinct([b, a, 2 * a, b, 3 * a])
    np.testing.assert_array_equal(different, [a, b])
    assert indices == [1, 0, 0, 1, 0]
    text = model.route_spec.to_text(a)
    assert [len(part) for part in text.split()] == [5] * 4
    assert text.count("1") == 4


def test_the_part_of_a_route_for_some_mixed_ops_is_in_their_order():
    ops = [MixedOp([layers.ReLU()], name=name) for name in "ba"]
    one, two = np.ones((3, 1)), np.zeros((3, 1))
    selected = select_mixed_ops({"a": one, "b": two, "c": 3}, ops)
    assert [*selected] == ["b", "a"]
    assert selected["a"] is one and selected["b"] is two
    with pytest.raises(ValueError, match="This one lacks b, a"):
        select_mixed_ops({"c": 3}, ops)
    with pytest.raises(
        ValueError, match=r"\(3, 2\) for a. It needs \(batch, 1\): re_lu"
    ):
        select_mixed_ops({"a": np.ones((3, 2)), "b": two}, ops)


def test_a_flat_route_holds_the_weights_of_all_mixed_ops_in_order(model):
    spec = model.route_spec
    flat = np.arange(2 * spec.size, dtype="float32").reshape(2, spec.size)
    route = spec.split(flat)
    assert list(route) == [op.name for op in model.mixed_ops]
    assert all(isinstance(part, np.ndarray) for part in route.values())
    np.testing.assert_array_equal(list(route.values())[1], flat[:, 5:10])
    np.testing.assert_array_equal(spec.flatten(route), flat)
    backwards = dict(reversed(route.items()))
    np.testing.assert_array_equal(spec.flatten(backwards), flat)
    tensors = spec.split(tf.constant(flat))
    np.testing.assert_array_equal(spec.flatten(tensors), flat)


def test_a_spec_says_what_the_network_can_run(model):
    spec = model.route_spec
    assert (spec.size, spec.sizes) == (20, [5] * 4)
    assert spec.least_branches == (1,) * 4 and not spec.binary
    assert spec.all_branches().shape == (1, 20) and spec.all_branches().all()
    gates = make_dmnn().route_spec
    assert gates.binary and gates.least_branches == (0,) * 4
    assert next(iter(gates.branches.values())) == ("sub_block_0", "sub_block_1")
