"""The search of a codebook, by hand."""

import numpy as np
import pytest

from tfdyn.evaluation.codebook_search import splice, spread
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
