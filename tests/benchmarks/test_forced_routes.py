"""Latency by number of branches: what is measured; never how long it took."""

import dataclasses
import json

import pytest
from tiny_networks import make_dmnn
from tiny_settings import tiny_dmnn_settings

from benchmarks import forced_routes
from export.source import Source
from tfdyn.data.input_format import InputFormat

FORM = InputFormat(("a", "b", "c"), (8, 8, 1), (0.5,), (0.25,))


def source(name, **changes):
    return Source(name, make_dmnn(**changes), FORM, tiny_dmnn_settings(), None)


@pytest.fixture(scope="module")
def content():
    network = source("network", stages=[(6, 3, 2, 1)])
    other = source("other", stages=[(6, 6, 2, 1)], sub_blocks=1, selection="none")
    return forced_routes.measure(network, other, [0, 1, 2], 2, 1, 2, each_branch=True)


def test_rows_are_from_the_least_to_all(content):
    json.dumps(content)
    rows, macs = content["rows"], content["macs"]
    assert [row["share"] for row in rows] == [0, 0, 0, 0.5, 1, 0.5, 0.5]
    assert [row["name"] for row in rows[4:6]] == ["2 a connection", "only sub_block_0"]
    lowest, cheapest, none, half, every, *each = (row["macs"] for row in rows)
    assert lowest == cheapest == none < half < every
    assert each == [half, half]
    # The routers of a forced route are added.
    assert every == macs["all_branches"] and rows[4]["macs_saved"] == 0
    assert content["routers_ms"] >= 0
    saved = 1 - half / macs["all_branches"]
    assert rows[3]["macs_saved"] == pytest.approx(saved) and 0 < saved < 1
    assert macs["gated"] == macs["all_branches"] != macs["against"]
    assert all(row["ms"] > 0 and row["to_against"] > 0 for row in rows)


def test_as_people_read_it(content):
    text = forced_routes.text(content).splitlines()
    assert text[0].startswith("network, beside other: 2 random routes a row, 1 thread")
    assert text[3].startswith("at the lowest T (0% of all)")
    assert text[6].startswith("1 a connection (50% of all)")
    other, _, routers = text[-3:]
    assert other.split()[0] == "other" and other.split()[-1] == "1.000"
    assert routers.startswith("routers: ") and routers.endswith(" ms, in each row")


def test_networks_for_other_images_are_refused():
    network, other = source("network"), source("other")
    larger = InputFormat(("a", "b", "c"), (16, 16, 1), (0.5,), (0.25,))
    other = dataclasses.replace(other, input_format=larger)
    with pytest.raises(ValueError, match=r"--against reads images of \(16, 16, 1\)"):
        forced_routes.measure(network, other, [1])
