"""Recheck: a few of a table's own routes, timed again."""

import numpy as np
import pytest
from clock import Clock, own_route
from tiny_networks import latency_table, make

from export import source as sources
from export.latency import probes, report
from export.latency.recheck import recheck
from tfdyn.costs.cost_table import CostTable


@pytest.fixture(scope="module")
def profiled(tiny_run, tmp_path_factory):
    """A source, an image, a clock, and a table that is as the clock."""
    folder = tmp_path_factory.mktemp("run")
    source = sources.from_run(tiny_run.path, folder / "export")
    image = np.zeros((8, 8, 1), "uint8")
    clock = Clock(source.model, own_route(source.model, image, source.input_format))
    table = latency_table(source.model)
    routes = probes.random_routes(source.model)
    times = {name: clock.of_route(route) for name, route in routes.items()}
    table.provenance = {"device": clock.describe(), "routes": times, "num_threads": 1}
    return source, image, clock, table


def test_a_table_that_still_holds(profiled):
    source, image, clock, table = profiled
    content = recheck(source, clock, table, image)
    assert content["routes"] == 4 and content["worst_error"] < 1e-6
    assert content["then_ms"] == pytest.approx(content["now_ms"])
    assert list(content["now_ms"])[0] == "route 0"  # The cheapest.
    assert report.bias_warning(content, "latency.json", "clock") is None
    lines = report.recheck_text(content).splitlines()
    assert len(lines) == 6 and lines[-1].split() == ["mean", "0.0%"]


def test_a_table_of_a_faster_machine(profiled, monkeypatch):
    source, image, clock, table = profiled
    faster = {name: 0.6 * ms for name, ms in table.provenance["routes"].items()}
    monkeypatch.setitem(table.provenance, "routes", faster)
    content = recheck(source, clock, table, image)
    assert content["bias"] == pytest.approx(-0.4)
    warning = report.bias_warning(content, "latency.json", "clock")
    assert warning.startswith("warning: the times of latency.json are 40% below those")
    assert "measure again with `python -m export.latency`" in warning


def test_what_cannot_be_checked(profiled, monkeypatch):
    source, image, clock, table = profiled
    other = CostTable.count(make(auxiliary_head=False).modules)
    with pytest.raises(ValueError, match="lacks"):
        recheck(source, clock, other, image)
    monkeypatch.setattr(table, "provenance", {})
    with pytest.raises(ValueError, match="has no times of routes in its provenance"):
        recheck(source, clock, table, image)
