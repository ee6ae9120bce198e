"""Latency table: the costs that add up to the times that were measured."""

import numpy as np
import pytest
from clock import Clock
from tiny_networks import IMAGES, make, random_route, sharpen

from export.latency import latency_table, probes, provenance
from export.source import Source
from tfdyn.costs.cost_table import CostTable, module_key
from tfdyn.costs.route_cost import RouteCost


@pytest.fixture(scope="module")
def model():
    return sharpen(make(auxiliary_head=False))


@pytest.fixture(scope="module")
def clock(model):
    route = model(IMAGES[:1], threshold=0.7)["route"]
    return Clock(model, model.route_spec.flatten(route).numpy()[0])


@pytest.fixture(scope="module")
def table(model, clock):
    return compose(model, clock)


def compose(model, clock):
    branches = len(clock.own_route)
    routes = {
        probes.FORCED: clock.own_route,
        probes.OFF: np.zeros(branches),
        "route 0": np.arange(branches) % 2,
    }
    names = [probes.EMPTY, probes.ROUTED, *routes]
    for module, _ in probes.distinct(model.modules).values():
        names.append(module.name)
        if module.kind == "branch":
            names += [probes.name_if_taken(module), probes.name_if_not_taken(module)]
    inputs = {name: {"route": route} for name, route in routes.items()}
    with clock.session(names, inputs) as measure:
        times = {name: [measure(name)] * 3 for name in names}
    source = Source("tiny", model, None, None, None)
    return latency_table.compose(source, times, routes, {"date": "today"})


def test_it_predicts_every_route(model, clock, table, tmp_path):
    table.save(tmp_path / "latency.json")
    table = CostTable.load(tmp_path / "latency.json")
    routes = random_route(model, 0)
    predicted = np.asarray(RouteCost(model.modules, table).total(routes))
    joined = model.route_spec.flatten(routes)
    forced = [clock.of_route(route) for route in joined]
    saved = provenance.saved_by_forcing(table, model.modules)
    np.testing.assert_allclose(predicted - saved, forced, rtol=1e-5)
    assert saved == pytest.approx(clock.total("router") + clock.selection)


def test_its_parts(model, clock, table):
    assert table.unit == "ms" and table.provenance["date"] == "today"
    assert table.provenance["in_context"] == pytest.approx(clock.in_context)
    assert table.gate["not_taken"] == pytest.approx(clock.not_taken)
    for module in model.modules:
        entry = table.modules[module_key(module.layer)]
        assert entry["spread"] == 0 and entry["cost"] >= 0
        if module.kind != "branch":
            assert entry["cost"] == pytest.approx(clock.cost(module))
    counts = [entry["count"] for entry in table.modules.values()]
    assert sum(counts) == len(model.modules) and max(counts) > 1


@pytest.mark.parametrize("changes", [{"selection": -9.0}, {"rest": -9.0}])
def test_noise_makes_no_cost_negative(model, clock, monkeypatch, tmp_path, changes):
    for name, value in changes.items():  # Parts take longer alone than in the whole.
        monkeypatch.setattr(clock, name, value)
    table = compose(model, clock)
    table.save(tmp_path / "latency.json")  # Which refuses costs below 0.
    cost = RouteCost(model.modules, CostTable.load(tmp_path / "latency.json"))
    off = np.zeros(len(clock.own_route))
    routing = max(0.0, clock.total("router") + clock.selection)
    expected = clock.of_route(off) + routing
    assert float(cost.total(model.route_spec.split(off[None]))[0]) == pytest.approx(
        expected, rel=1e-5
    )


def test_a_device_whose_clock_stands_still(model, clock, monkeypatch):
    monkeypatch.setattr(clock, "costs", dict.fromkeys(clock.costs, 0.0))
    for name in ("over", "not_taken", "selection"):
        monkeypatch.setattr(clock, name, 0.0)
    with pytest.raises(ValueError, match="No module takes longer than an empty file"):
        compose(model, clock)


def test_no_branch_costs_less_than_nothing(model, clock, monkeypatch):
    costs = {key: 0.0 if "Skip" in key else cost for key, cost in clock.costs.items()}
    monkeypatch.setattr(clock, "costs", costs)
    entries = compose(model, clock).modules.values()
    assert min(entry["cost"] for entry in entries) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("more", [0.0, 0.4])
def test_what_overflows_a_cache_costs_more(more):
    warm = np.linspace(1, 2, 40)
    random = np.random.default_rng(0)
    routes = [random.random(40) < share for share in np.linspace(0, 1, 20)]
    sums = np.array([warm[route].sum() for route in routes])
    times = 1.2 * sums + more * 1.2 * np.maximum(sums - 30, 0)
    timed = list(zip(routes, times, strict=True))
    factor, above, extra = latency_table._in_network(warm, timed)
    assert factor == pytest.approx(1.2, rel=0.02)
    predicted = factor * sums + extra * np.maximum(factor * sums - above, 0)
    np.testing.assert_allclose(predicted, times, rtol=0.03)
    assert (extra > 0) == (more > 0)


def test_times_that_tell_nothing():
    routes = [(np.zeros(3), 0.0), (np.ones(3), 0.0)]
    assert latency_table._in_network(np.zeros(3), routes) == (1.0, 0.0, 0.0)


def test_spread():
    assert latency_table.spread([1.0, 2.0, 3.0, 4.0, 50.0]) == 1.0
