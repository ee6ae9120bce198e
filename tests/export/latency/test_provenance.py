"""Provenance of latency tables: what validations read in it."""

import pytest

from export.latency import provenance
from export.latency.devices.host import Host
from tfdyn.costs.cost_table import CostTable


def table(**content):
    table = CostTable("ms", {"KEY": {"cost": 1}}, provenance=content)
    table.path = "latency.json"
    return table


@pytest.mark.parametrize("selection", [None, "0.1", True, float("nan"), 10**400, [1]])
def test_the_selection(selection):
    assert provenance.saved_by_forcing(table(selection=-0.5), []) == -0.5
    with pytest.raises(ValueError, match="latency.json is not one of `python -m exp"):
        provenance.saved_by_forcing(table(selection=selection), [])


@pytest.mark.parametrize(
    "routes", ["x", [1.0], {"a": "1"}, {"a": 0}, {"a": -1.0}, {"a": None}]
)
def test_the_times_of_routes(routes):
    assert provenance.times_of_routes(table()) == {}
    assert provenance.times_of_routes(table(routes={"a": 1.5})) == {"a": 1.5}
    with pytest.raises(ValueError, match="latency.json: `routes` .* no times above 0"):
        provenance.times_of_routes(table(routes=routes))


@pytest.mark.parametrize("threads", ["two", 0, -1, 1.5, True, None, 10**400, 2048])
def test_the_number_of_threads(threads):
    assert provenance.num_threads_of(table(num_threads=4)) == 4
    with pytest.raises(
        ValueError, match="latency.json: `num_threads` .* from 1 to 256"
    ):
        provenance.num_threads_of(table(num_threads=threads))


@pytest.mark.parametrize("device", ["a phone", {"device": "adb-1"}, {"device": 5}, 5])
def test_the_device(device):
    provenance.check_device(table(), Host())
    provenance.check_device(table(device={"device": "host"}), Host())
    with pytest.raises(ValueError, match="is of the device .*, not of host: name anot"):
        provenance.check_device(table(device=device), Host())
