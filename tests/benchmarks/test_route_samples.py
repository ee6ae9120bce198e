"""Routes to time."""

import types

import pytest
from tiny_networks import make_instanas

from benchmarks import route_samples
from tfdyn.errors import UserError
from tfdyn.routing.route import RouteSpec


def test_the_cheapest_runs_what_must_run():
    model = make_instanas()
    route = model.route_spec.split(route_samples.cheapest(model))
    for cell, (weights,) in zip(model.cells, route.values(), strict=True):
        costs = model.route_cost.branches[cell.mixed_op.name]
        assert weights.sum() == (not cell.passes_on)
        assert cell.passes_on or weights[costs.argmin()] == 1


def test_routes_of_one_branch_need_branches_of_one_number():
    spec = RouteSpec({"a": ("x", "y"), "b": ("x",)}, (1, 1))
    with pytest.raises(UserError, match="have 1, 2 branches. Leave out --each_branch"):
        route_samples.one_branch(types.SimpleNamespace(route_spec=spec))
