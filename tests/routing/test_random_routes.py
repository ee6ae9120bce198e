"""Random routes: so many branches, from few to all."""

import numpy as np
import pytest
from tiny_networks import make, make_dmnn

from tfdyn.routing.random_routes import draw_for_cost, random_routes, spread_routes
from tfdyn.routing.route import RouteSpec


@pytest.fixture(scope="module")
def model():
    return make(num_cells=1, auxiliary_head=False)


def test_random_routes_of_binary_weights():
    drawn = random_routes(make_dmnn().route_spec, 10, 1.5)
    assert set(np.unique(drawn)) == {0, 1}


def test_random_routes_have_so_many_branches_and_sum_to_one(model):
    drawn = random_routes(model.route_spec, 500, 1.2).reshape(500, 4, 5)
    np.testing.assert_allclose(drawn.sum(axis=-1), 1, atol=1e-6)
    counts = (drawn != 0).sum(axis=-1)
    assert set(np.unique(counts)) == {1, 2}
    assert abs(counts.mean() - 1.2) < 0.05
    assert (random_routes(model.route_spec, 3, 5.0) != 0).all()
    again = random_routes(model.route_spec, 500, 1.2).reshape(500, 4, 5)
    np.testing.assert_array_equal(again, drawn)


@pytest.mark.parametrize("count", [0.9, 5.5])
def test_so_many_branches_there_are_not(model, count):
    with pytest.raises(ValueError, match="between 1 and 5"):
        random_routes(model.route_spec, 1, count)


def test_routes_are_spread_from_the_lightest_to_all(model):
    drawn = spread_routes(model.route_spec, 9)
    counts = [np.count_nonzero(route) for route in drawn]
    assert counts == sorted(counts) and (counts[0], counts[-1]) == (4, 20)
    again = spread_routes(model.route_spec, 9, seed=1)
    assert any((one != other).any() for one, other in zip(drawn, again, strict=True))
    assert spread_routes(model.route_spec, 0) == []


@pytest.mark.parametrize("binary", [False, True])
def test_mixed_ops_of_several_sizes(binary):
    spec = RouteSpec({"a": tuple("xy"), "b": tuple("xyzw")}, (1, 2), binary)
    drawn = spread_routes(spec, 7)
    counts = [
        [np.count_nonzero(part) for part in spec.split(route).values()]
        for route in drawn
    ]
    assert counts[0] == [1, 2] and counts[-1] == [2, 4]
    for route in drawn:
        spec.check(route)
    with pytest.raises(ValueError, match="between 1 and 4"):
        random_routes(spec, 1, 4.5)


def test_where_nothing_need_run_the_lightest_route_is_empty():
    drawn = spread_routes(make_dmnn().route_spec, 5)
    assert [np.count_nonzero(route) for route in (drawn[0], drawn[-1])] == [0, 8]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("make_model", [make, make_dmnn])
def test_routes_of_a_mean_cost(make_model, share):
    model = make_model()
    spec, cost = model.route_spec, model.route_cost

    def costs(routes):
        return np.asarray(cost.total(spec.split(routes)))

    def draw(mean):
        return draw_for_cost(spec, costs, mean, 400)

    low, high = costs(draw(0.0)).mean(), costs(draw(np.inf)).mean()
    assert high == pytest.approx(cost.fixed + cost.all_branches)
    routes = draw(low + share * (high - low))
    assert costs(routes).mean() == pytest.approx(low + share * (high - low), rel=0.01)
    assert set(np.unique(routes)) <= {0, 1}
    for least, part in zip(
        spec.least_branches, spec.split(routes).values(), strict=True
    ):
        assert (part.sum(axis=1) >= least).all()
