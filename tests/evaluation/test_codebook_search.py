"""The search of a codebook, by hand."""

import types

import numpy as np
import pytest

from tfdyn.evaluation.codebook_search import routes_of, splice, spread
from tfdyn.routing.route import RouteSpec

SPEC = RouteSpec({name: ("x", "y") for name in "abc"}, (0, 0, 0))


def splices(cheap, rich, parts):
    arrays = (np.asarray(route, "float32") for route in (cheap, rich))
    return [SPEC.to_text(route) for route in splice(*arrays, parts, SPEC)]


def test_a_splice_is_rich_at_first_and_cheap_afterwards():
    routes = splices([1, 0, 0, 0, 0, 1], [1, 1, 0, 1, 1, 1], [["a"], ["b"], ["c"]])
    assert routes == ["10 00 01", "11 00 01", "11 01 01", "11 01 11"]


def test_splices_that_are_the_same_count_once():
    routes = splices([1, 0, 0, 1, 0, 0], [1, 1, 0, 1, 1, 0], [["a"], ["b"], ["c"]])
    assert routes == ["10 01 00", "11 01 00", "11 01 10"]
    assert splices([1] * 6, [1] * 6, [["a"], ["b"], ["c"]]) == ["11 11 11"]


def test_a_part_changes_as_a_whole():
    routes = splices([0] * 6, [1] * 6, [["a", "b"], ["c"]])
    assert routes == ["00 00 00", "11 11 00", "11 11 11"]


class MadeUp:
    """A network, and the worth of its router, whose routes have known accuracies."""

    name, route_spec = "made_up", SPEC
    parts = [[types.SimpleNamespace(name=name)] for name in "abc"]
    accuracy = {"10 10 10": 0.5, "11 10 10": 0.6, "11 11 10": 0.9, "11 11 11": 0.8}

    def try_static_routes(self, thresholds, most):
        runs = np.array([[1, 0] * 3, [1, 1] * 3], bool)
        return runs, np.array([0.5, 0.8]), np.array([3.0, 6.0])

    def with_weights(self, runs):
        return runs.astype("float32")

    def cost_of_static(self, routes):
        return float(routes.sum())

    def right(self, split, route, text):
        return np.array(self.accuracy[SPEC.to_text(route)])


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_last_route_is_the_most_accurate_one(size):
    network = MadeUp()
    routes, costs, accuracy = routes_of(network, network, [0.5], 9, size, 0.0)
    assert SPEC.to_text(routes[-1]) == "11 11 10"
    expected = {1: [0.9], 2: [0.5, 0.9], 4: [0.5, 0.6, 0.9]}
    assert accuracy.tolist() == expected[size]
    assert costs.tolist() == [{0.5: 0.6, 0.6: 0.8, 0.9: 1}[a] for a in expected[size]]


@pytest.mark.parametrize(
    ("costs", "count", "least", "expected"),
    [
        ([0, 1, 2, 3, 4], 5, 0.0, [0, 1, 2, 3, 4]),
        ([0, 1, 2, 3, 4], 3, 0.0, [0, 2, 4]),
        ([0, 1, 2, 3, 4], 2, 0.0, [0, 4]),
        ([0, 1, 2, 3, 4], 1, 0.0, [4]),
        ([0, 1, 2, 3, 4], 3, 0.5, [2, 3, 4]),
        ([0, 1, 2, 3, 4], 9, 0.0, [0, 1, 2, 3, 4]),
        # The nearest to 0, 5 and 10; a dearer one than the last is never taken.
        ([0, 4, 11, 10], 3, 0.0, [0, 1, 3]),
        # Costs need not rise with depth, but those of the codebook do.
        ([2, 1, 3, 4], 4, 0.0, [1, 0, 2, 3]),
        ([1, 1, 4], 3, 0.0, [0, 2]),
    ],
)
def test_routes_are_spread_over_the_costs(costs, count, least, expected):
    assert spread(np.asarray(costs, float), count, least) == expected


@pytest.mark.parametrize(
    ("costs", "least"), [([1, 2, 4], 0.6), ([4], 0.0), ([5, 4], 0.0)]
)
def test_a_codebook_of_one_route_is_refused(costs, least):
    with pytest.raises(ValueError, match=f"--least_cost={least}: no other route"):
        spread(np.asarray(costs, float), 3, least)
