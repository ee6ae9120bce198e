"""Fixed routes: the search, the frontier, mixtures of two, the oracle."""

import numpy as np
import pytest

from tfdyn.evaluation import static_routes
from tfdyn.routing.route import RouteSpec

SPEC = RouteSpec({"a": ("x", "y"), "b": ("x", "y", "z")}, (0, 1), binary=True)
VALUE = np.array([0.1, 0.05, 0.3, 0.02, 0.2])
COST = np.array([1.0, 5.0, 2.0, 9.0, 3.0])


def measure(runs):
    return float(VALUE[runs].sum()), float(COST[runs].sum())


def test_all_routes_are_those_that_may_run():
    routes = static_routes.all_routes(SPEC)
    assert len(routes) == static_routes.count_routes(SPEC) == 4 * 7
    assert all(route[2:].any() for route in routes)
    assert len({route.tobytes() for route in routes}) == 28


def test_where_there_are_few_routes_all_are_measured():
    runs, accuracy, cost = static_routes.search(measure, SPEC, [], 28)
    assert len(runs) == 28
    assert accuracy.max() == pytest.approx(VALUE.sum())
    assert cost.min() == 2.0


def test_a_search_finds_the_frontier_from_all_branches_alone():
    spec = RouteSpec({str(i): ("x", "y") for i in range(6)}, (0,) * 6, binary=True)
    value = np.random.default_rng(0).random(12)
    price = np.random.default_rng(1).random(12) + 0.1

    def added(runs):
        return float(value[runs].sum()), float(price[runs].sum())

    start = [np.ones(12, bool)]
    runs, accuracy, cost = static_routes.search(added, spec, start, 400)
    assert len(runs) <= 400 < static_routes.count_routes(spec) == 4096
    # Of sums, the best routes are those of the branches with the best value for a cost.
    order = np.argsort(-value / price)
    best = {np.isin(np.arange(12), order[:count]).tobytes() for count in range(13)}
    kept = [runs[index].tobytes() for index in static_routes.frontier(accuracy, cost)]
    assert len(best.intersection(kept)) >= 11


def test_a_search_never_measures_more_than_it_may():
    calls = []

    def counted(runs):
        calls.append(runs.tobytes())
        return measure(runs)

    static_routes.search(counted, SPEC, [np.ones(5, bool)] * 3, 9)
    assert len(calls) == len(set(calls)) == 9


def test_the_frontier_leaves_out_what_a_mixture_of_two_beats():
    accuracy = np.array([0.5, 0.6, 0.9, 0.85, 0.9, 0.3])
    cost = np.array([1.0, 2.0, 3.0, 2.5, 4.0, 0.5])
    # (2, 0.6) lies below the line from (1, 0.5) to (2.5, 0.85).
    assert static_routes.frontier(accuracy, cost) == [5, 0, 3, 2]


@pytest.mark.parametrize(
    ("mean", "shares"),
    [
        (0.5, [1, 0, 0]),
        (1.0, [1, 0, 0]),
        (1.5, [0.5, 0.5, 0]),
        (2.0, [0, 1, 0]),
        (3.5, [0, 0.25, 0.75]),
        (9.0, [0, 0, 1]),
    ],
)
def test_a_mixture_of_two_neighbours_has_the_mean_cost(mean, shares):
    costs = np.array([1.0, 2.0, 4.0])
    result = static_routes.mixture(costs, mean)
    np.testing.assert_allclose(result, shares)
    assert result @ costs == pytest.approx(np.clip(mean, 1, 4))


def test_the_oracle_takes_the_cheapest_route_that_is_right():
    right = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]], bool)
    accuracy, cost = static_routes.oracle(right, np.array([1.0, 2.0, 4.0]))
    assert (accuracy, cost) == (0.75, (1 + 2 + 4 + 1) / 4)


def test_weights_of_a_fixed_route_are_the_mean_ones_of_its_branches():
    spec = RouteSpec({"a": ("x", "y"), "b": ("x", "y", "z")}, (1, 1))
    runs = np.array([True, False, True, False, True])
    mean = np.array([0.9, 0.1, 0.2, 0.5, 0.3])
    weights = static_routes.with_weights(runs, spec, mean)
    np.testing.assert_allclose(weights, [1, 0, 0.4, 0, 0.6], rtol=1e-6)
    # No image runs these: in a codebook, what the most expensive route does not run.
    unused = static_routes.with_weights(runs, spec, np.array([0, 1, 0, 1.0, 0]))
    np.testing.assert_allclose(unused, [1, 0, 0.5, 0, 0.5])
    binary = static_routes.with_weights(runs, SPEC, mean)
    np.testing.assert_array_equal(binary, runs)
