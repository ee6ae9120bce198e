"""Routes for fixed graphs: read, drawn, counted."""

import json

import numpy as np
import pytest
from tiny_networks import make, make_dmnn

from export import routes


@pytest.fixture(scope="module")
def model():
    return make(num_cells=1, auxiliary_head=False)


def test_a_route_is_read_as_it_was_written(model, tmp_path):
    (route,) = routes.random_routes(model, 1, 2.0)
    path = tmp_path / "route.json"
    path.write_text(json.dumps(routes.as_json(route, model)))
    np.testing.assert_allclose(routes.load(path, model), route, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda route: route.popitem(),
        lambda route: route.update(dict.fromkeys(route, [1, 0])),
        lambda route: route.update(dict.fromkeys(route, [float("nan")] * 5)),
        lambda route: route.update(dict.fromkeys(route, "all")),
    ],
)
def test_what_is_no_route_of_the_network_is_an_error(model, tmp_path, change):
    route = routes.as_json(np.ones(20), model)
    change(route)
    path = tmp_path / "route.json"
    path.write_text(json.dumps(route))
    with pytest.raises(ValueError, match="not a route of this network.*cell_0_node_2"):
        routes.load(path, model)


def test_the_most_frequent_set_of_branches_and_its_mean_weights():
    taken = np.array([[0.4, 0.6, 0], [0, 0, 1], [0.6, 0.4, 0], [1, 0, 0]])
    route, share = routes.most_frequent(taken)
    np.testing.assert_allclose(route, [0.5, 0.5, 0])
    assert share == 0.5


def test_routes_that_run_the_same_branches_are_one(model):
    a, b = routes.random_routes(model, 2, 1.0)
    found, indices = routes.distinct([b, a, 2 * a, b, 3 * a])
    np.testing.assert_array_equal(found, [a, b])
    assert indices == [1, 0, 0, 1, 0]
    text = routes.as_text(a, model)
    assert [len(part) for part in text.split()] == [5] * 4
    assert text.count("1") == 4


def test_random_routes_of_binary_weights():
    drawn = routes.random_routes(make_dmnn(), 10, 1.5)
    assert set(np.unique(drawn)) == {0, 1}


def test_random_routes_have_so_many_branches_and_sum_to_one(model):
    drawn = routes.random_routes(model, 500, 1.2).reshape(500, 4, 5)
    np.testing.assert_allclose(drawn.sum(axis=-1), 1, atol=1e-6)
    counts = (drawn != 0).sum(axis=-1)
    assert set(np.unique(counts)) == {1, 2}
    assert abs(counts.mean() - 1.2) < 0.05
    assert (routes.random_routes(model, 3, 5.0) != 0).all()
    again = routes.random_routes(model, 500, 1.2).reshape(500, 4, 5)
    np.testing.assert_array_equal(again, drawn)


@pytest.mark.parametrize("count", [0.9, 5.5])
def test_so_many_branches_there_are_not(model, count):
    with pytest.raises(ValueError, match="between 1 and 5"):
        routes.random_routes(model, 1, count)


def test_routes_are_spread_from_the_lightest_to_all(model):
    drawn = routes.spread_routes(model, 9)
    counts = [np.count_nonzero(route) for route in drawn]
    assert counts == sorted(counts) and (counts[0], counts[-1]) == (4, 20)
    again = routes.spread_routes(model, 9, seed=1)
    assert any((one != other).any() for one, other in zip(drawn, again, strict=True))
    assert routes.spread_routes(model, 0) == []


def test_where_nothing_need_run_the_lightest_route_is_empty():
    drawn = routes.spread_routes(make_dmnn(), 5)
    assert [np.count_nonzero(route) for route in (drawn[0], drawn[-1])] == [0, 8]
