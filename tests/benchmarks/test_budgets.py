"""Budgets: what is measured of them, and what is made of it; never how long it took."""

import json

import numpy as np
import pytest
from tiny_networks import latency_table

from benchmarks import budgets
from export import source as sources


@pytest.fixture(scope="module")
def content(tiny_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    source = sources.from_run(tiny_run.path, folder / "export")
    table = latency_table(source.model)
    table.save(folder / "latency.json")
    images = np.zeros((3, *source.input_format.shape), "uint8")
    numbers = [100.0, 200.0]
    return budgets.measure(
        source, numbers, folder / "latency.json", images, rounds=1, loop=2
    )


def test_each_budget_is_measured_gated_and_guided(content):
    json.dumps(content)
    assert [row["budget_ms"] for row in content["budgets"]] == [100.0, 200.0]
    assert content["images"] == 3 and content["rounds"] == 1
    for row in content["budgets"]:
        # At T=1 all gates are always taken, and so of no use.
        assert row["threshold"] == 1.0 and row["ungated"] == 4
        assert row["gated_ms"] > 0 and row["guided_ms"] > 0
        ratios = row["guided_to_gated"]
        assert ratios["low"] <= ratios["median"] <= ratios["high"]


def test_as_people_read_it(content):
    head, *rows, _, origin = budgets.text(content).splitlines()
    path = content["latency_table"]
    assert origin == f"predicted by {path}, measured on an unknown device"
    assert content["latency_table_origin"] == "measured on an unknown device"
    assert head.split()[0] == "budget" and len(rows) == 2
    assert rows[0].split()[:3] == ["100", "ms", "1"]
