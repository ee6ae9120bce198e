"""Latency by number of branches: what is measured; never how long it took."""

import json

import pytest
from conftest import tiny_dmnn_settings
from tiny_networks import make_dmnn

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
    return forced_routes.measure(network, other, [0, 1, 2], 2, rounds=1, loop=2)


def test_rows_are_from_none_to_all(content):
    json.dumps(content)
    rows, macs = content["rows"], content["macs"]
    assert [row["share"] for row in rows] == [0.0, 0.5, 1.0]
    assert rows[0]["macs"] < rows[1]["macs"] < rows[2]["macs"]
    # Where all run, what is saved is the routers, which a forced route bypasses.
    assert 0 < rows[2]["macs_saved"] < 0.05 < rows[1]["macs_saved"]
    saved = 1 - rows[1]["macs"] / macs["all_branches"]
    assert rows[1]["macs_saved"] == pytest.approx(saved)
    assert macs["gated"] == macs["all_branches"] != macs["against"]
    assert all(row["ms"] > 0 and row["to_against"] > 0 for row in rows)


def test_as_people_read_it(content):
    head, _, _, none, half, *_, other = forced_routes.text(content).splitlines()
    assert head.startswith("network, beside other: 2 random routes a row, 1 thread")
    assert none.startswith("0 (0% of all)") and half.startswith("1 (50% of all)")
    assert other.split()[0] == "other" and other.split()[-1] == "1.000"
