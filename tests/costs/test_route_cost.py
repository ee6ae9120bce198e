"""Costs of routes, by hand."""

import numpy as np
import pytest
from keras import layers, ops

from tfdyn.costs.cost_table import CostTable, module_key
from tfdyn.costs.route_cost import RouteCost
from tfdyn.layers.modules import Module

COSTS = {"stem": 5.0, "a/0": 10.0, "a/1": 20.0, "b/0": 40.0}


def make_modules():
    modules = []
    for units, path in enumerate(COSTS, start=1):
        layer = layers.Dense(units)
        layer.build((None, 3))
        mixed_op = path[0] if "/" in path else None
        modules.append(Module(path, "branch" if mixed_op else "stem", layer, mixed_op))
    return modules


def route_cost(**table):
    modules = make_modules()
    costs = {module_key(m.layer): {"cost": COSTS[m.name]} for m in modules}
    return RouteCost(modules, CostTable("ms", costs, **table))


def random_route(rows=8):
    random = np.random.default_rng(0)
    return {
        "a": random.random((rows, 2), "float32"),
        "b": random.random((rows, 1), "float32"),
    }


GATED = {"gate": {"taken": 3.0, "not_taken": 1.0}, "remainder": 7.0}


def test_a_branch_that_costs_less_than_nothing_is_refused():
    with pytest.raises(ValueError, match="a branch of a .* would cost -5 ms"):
        route_cost(gate={"taken": 0.0, "not_taken": 15.0})


def test_what_is_above_the_overflow_costs_more():
    cost = route_cost(overflow={"above": 32.0, "factor": 0.5})
    route = {"a": np.array([[1, 0], [0, 1], [1, 1]]), "b": np.array([[0], [1], [1]])}
    totals = ops.convert_to_numpy(cost.total(route))
    np.testing.assert_allclose(totals, [5 + 10, 5 + 60 + 14, 5 + 70 + 19])
    np.testing.assert_allclose(cost.expected(route), [10, 60, 70])  # Linear.


@pytest.mark.parametrize(
    ("a", "b", "plain", "gated"),
    [
        ([0, 0], [0], 5, 5 + 7 + 1 + 1 + 1),
        ([1, 0], [0], 15, 5 + 7 + (10 + 3) + 1 + 1),
        ([0, 1], [0], 25, 5 + 7 + 1 + (20 + 3) + 1),
        ([0, 0.1], [0.9], 65, 5 + 7 + 1 + (20 + 3) + (40 + 3)),
        ([1, 1], [1], 75, 5 + 7 + (10 + 3) + (20 + 3) + (40 + 3)),
    ],
)
def test_a_route_costs_the_branches_that_run(a, b, plain, gated):
    route = {"a": np.asarray([a], "float32"), "b": np.asarray([b], "float32")}
    assert float(route_cost().total(route)[0]) == plain
    assert float(route_cost(**GATED).total(route)[0]) == gated


@pytest.mark.parametrize("table", [{}, GATED])
def test_expected_cost_of_a_one_hot_route_is_its_cost(table):
    cost = route_cost(**table)
    for branch in range(2):
        route = {"a": np.eye(2, dtype="float32")[[branch]], "b": np.ones((1, 1))}
        np.testing.assert_allclose(cost.fixed + cost.expected(route), cost.total(route))


@pytest.mark.parametrize("table", [{}, GATED])
def test_expected_cost_is_linear_in_the_route(table):
    cost, one, other = route_cost(**table), random_route(), random_route()
    mix = {name: 0.3 * one[name] + 0.7 * other[name][::-1] for name in one}
    expected = 0.3 * cost.expected(one) + 0.7 * cost.expected(other)[::-1]
    np.testing.assert_allclose(cost.expected(mix), expected, rtol=1e-5)


def test_expected_cost_of_each_example_by_hand():
    route = random_route()
    expected = route["a"] @ np.asarray([10.0, 20.0]) + 40 * route["b"][:, 0]
    np.testing.assert_allclose(route_cost().expected(route), expected, rtol=1e-5)


def test_all_branches():
    assert route_cost().all_branches == 70
    assert route_cost(**GATED).all_branches == 70 + 3 * 2
    assert route_cost().fixed == 5


def test_other_dtypes_are_counted_in_float32():
    route = {name: ops.cast(w, "float16") for name, w in random_route().items()}
    assert route_cost().expected(route).dtype == "float32"
    assert route_cost().total(route).dtype == "float32"


def test_a_table_that_lacks_a_module_is_refused():
    modules = make_modules()
    with pytest.raises(ValueError, match="lacks b/0"):
        RouteCost(modules, CostTable.count(modules[:-1]))
