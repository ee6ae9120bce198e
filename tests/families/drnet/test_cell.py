"""Cells: topology, nodes, and how a route reaches its MixedOps."""

import math

import numpy as np
import pytest
from keras import ops

from tfdyn.families.drnet.cell import Cell, Preprocess, draw_topology
from tfdyn.families.drnet.router import Router

SKIP = ("skip_connection",)
TWO = ("skip_connection", "max_pool_3x3")


def test_topology_takes_the_node_before_and_a_cell_input():
    for seed in range(20):
        topology = draw_topology(4, 2, seed)
        assert topology[0] == [0, 1]
        for node, sources in enumerate(topology[1:], start=3):
            assert sources[1] == node - 1 and sources[0] in (0, 1)


def test_topology_depends_on_the_seed_alone():
    assert draw_topology(4, 2, 7) == draw_topology(4, 2, 7)
    drawn = {str(draw_topology(4, 2, seed)) for seed in range(40)}
    assert len(drawn) == 2**3


@pytest.mark.parametrize(
    ("inputs_per_node", "topology"),
    [
        (1, [[1], [2], [3], [4]]),
        (3, [[0, 1], [0, 1, 2], [0, 1, 3], [0, 1, 4]]),
        (9, [[0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]]),
    ],
)
def test_topology_of_other_inputs_a_node(inputs_per_node, topology):
    assert draw_topology(4, inputs_per_node, seed=0) == topology


def test_topology_of_four_inputs_has_an_earlier_node():
    for *_, last in (draw_topology(5, 4, seed) for seed in range(20)):
        assert last[:2] == [0, 1] and last[3] == 5 and last[2] in (2, 3, 4)


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def weigh(route):
    """A selection that gives every example one route, `{name: weights}`."""

    def select(logits):
        rows = ops.shape(logits)[0]
        weights = np.tile(np.asarray(route, "float32"), (rows, 1, 1))
        return weights, weights

    return select


def test_a_node_sums_its_connections_and_the_nodes_are_concatenated():
    cell = Cell(4, [[0, 1], [1, 2]], SKIP, router=False)
    inputs = [images(2, 4, 4, 3), images(2, 4, 4, 5)]
    outputs, *_ = cell(inputs, select=weigh([[1], [2], [3], [5]]))
    first, second = (np.asarray(cell.preprocess[i](inputs[i])) for i in range(2))
    node = 1 * first + 2 * second
    expected = np.concatenate([node, 3 * second + 5 * node], axis=-1)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_route_is_named_by_mixed_op():
    cell = Cell(4, [[0, 1], [1, 2]], TWO, name="it")
    cell.build([(None, 4, 4, 3)] * 2)
    numbers = np.random.default_rng(0).random((4, 2))
    _, route, _ = cell([images(3, 4, 4, 3)] * 2, select=weigh(numbers))
    names = ["it_node_2_from_0", "it_node_2_from_1"]
    names += ["it_node_3_from_1", "it_node_3_from_2"]
    assert list(route) == names == [op.name for op in cell.mixed_ops]
    for name, weights in zip(names, numbers, strict=True):
        np.testing.assert_allclose(route[name], [weights] * 3, rtol=1e-6)


def test_a_given_route_is_run_and_the_router_is_not(monkeypatch):
    cell = Cell(4, [[0, 1]], TWO)
    inputs = [images(2, 4, 4, 3)] * 2
    selected = [[0.25, 0.75], [1, 0]]
    outputs, route, _ = cell(inputs, select=weigh(selected))
    monkeypatch.setattr(Router, "call", None)
    again, same, routed = cell(inputs, route={**route, "of_another_cell": None})
    np.testing.assert_allclose(again, outputs, atol=1e-6)
    assert same.keys() == route.keys() and routed == {}
    for name in route:
        np.testing.assert_array_equal(same[name], route[name])


@pytest.mark.parametrize("side", [7, 8])
def test_reduction_halves_what_comes_from_the_inputs(side):
    cell = Cell(4, [[0, 1], [1, 2]], TWO, reduction=True, router=False)
    outputs, *_ = cell([images(1, side, side, 3)] * 2, select=weigh(np.ones((4, 2))))
    assert outputs.shape == (1, math.ceil(side / 2), math.ceil(side / 2), 8)
    strides = [op.branches[0].strides for op in cell.mixed_ops]
    assert strides == [2, 2, 2, 1]


@pytest.mark.parametrize("side", [7, 8])
def test_after_a_reduction_the_older_input_is_halved(side):
    half = math.ceil(side / 2)
    cell = Cell(4, [[0, 1]], TWO, previous_reduction=True)
    inputs = [images(1, side, side, 3), images(1, half, half, 6)]
    outputs, *_ = cell(inputs, select=weigh(np.ones((2, 2))))
    assert outputs.shape == (1, half, half, 4)


def test_without_router_the_logits_are_zeros():
    seen = []

    def select(logits):
        seen.append(np.asarray(logits))
        return logits, logits

    cell = Cell(4, [[0, 1]], TWO, router=False)
    cell([images(3, 4, 4, 3)] * 2, select=select)
    np.testing.assert_array_equal(seen[0], np.zeros((3, 2, 2)))
    assert not any("router" in weight.path for weight in cell.weights)


def test_preprocess_is_relu_1x1_norm():
    layer = Preprocess(4, strides=2)
    outputs = layer(images(1, 5, 5, 3))
    assert outputs.shape == (1, 3, 3, 4)
    kinds = [type(inner).__name__ for inner in layer.chain]
    assert kinds == ["ReLU", "Conv2D", "BatchNormalization"]
