"""Routed latency: what is measured, and what is made of it; never how long it took."""

import json

import keras
import numpy as np
import pytest
from tiny_networks import make, sharpen
from tiny_settings import tiny_settings

from benchmarks import latency_report, litert, routed_latency
from export.source import Source
from tfdyn.costs import complexity
from tfdyn.data.input_format import InputFormat

BRANCHES = ("sep_conv_3x3", "skip_connection", "max_pool_3x3")
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), "uint8")
# Three routes: three times the first, twice the second, once the third.
ROUTES = np.array(
    [
        [0, 1, 0, 1, 0, 0],
        [0.5, 0.5, 0, 1, 0, 0],
        [0, 1, 0, 1, 0, 0],
        [0.2, 0.8, 0, 1, 0, 0],
        [0, 1, 0, 0.7, 0.1, 0.2],
        [0, 1, 0, 1, 0, 0],
    ],
    "float32",
)


@pytest.fixture(scope="module")
def source():
    keras.utils.set_random_seed(0)  # Before that of each test.
    model = sharpen(make(num_cells=1, num_nodes=1, branches=BRANCHES))
    form = InputFormat(("a", "b", "c"), (8, 8, 1), (0.5,), (0.25,))
    return Source("tiny", model.for_inference(), form, tiny_settings(), None)


def macs_of(model, route):
    """Counts the MACs of a route in text form, by the kinds of modules that run."""
    branches = iter(route.replace(" ", ""))
    macs = {"router": 0, "rest": 0, "every": 0}
    for module in model.modules:
        count = complexity.macs(module.layer)
        if module.kind == "router":
            macs["router"] += count
        else:
            macs["every"] += count
            macs["rest"] += count * (module.kind != "branch" or next(branches) == "1")
    return macs


def check_rows(content, fixed_routes):
    for row in content["images"]:
        forms = [*content["variants"]]
        assert list(row["ms"]) == forms[: None if row["route"] < fixed_routes else -1]
        assert all(milliseconds > 0 for milliseconds in row["ms"].values())
        assert list(row["macs"]) == list(row["ms"])
        branches = content["routes"][row["route"]].count("1")
        assert row["branches"] == row["gates_taken"] == branches
    with_fixed = [row for row in content["images"] if "fixed" in row["ms"]]
    assert content["fixed_images"] == len(with_fixed)


def test_images_on_their_own_routes(source, tmp_path, monkeypatch):
    monkeypatch.setattr(litert, "benchmark", lambda path: {"error": "-"})
    content = routed_latency.measure(source, IMAGES, 0.6, fixed_routes=1, rounds=2)
    assert content["threshold"] == 0.6
    assert content["gates"] == 6 and content["fixed_routes"] == 1
    assert len(content["images"]) == 6 and len(content["routes"]) > 1
    check_rows(content, fixed_routes=1)
    for row in content["images"]:
        macs = macs_of(source.model, content["routes"][row["route"]])
        assert row["macs"]["forced"] == macs["rest"]
        assert row["macs"]["routed"] == macs["rest"] + macs["router"]
        assert row["macs"]["all_branches"] == macs["every"] + macs["router"]
        assert row["macs"].get("fixed", macs["rest"]) == macs["rest"]
    latency_report.plot(tmp_path / "latency.png", content)
    assert (tmp_path / "latency.png").read_bytes().startswith(b"\x89PNG")
    table = latency_report.table(json.loads(json.dumps(content)))
    assert f"which {content['fixed_images']} of 6 images take" in table


def test_branches_without_a_gate_always_run(source, monkeypatch):
    monkeypatch.setattr(litert, "benchmark", lambda path: {"error": "-"})
    names = [m.name for m in source.model.modules if m.kind == "branch"]
    ungated = names[::2]
    content = routed_latency.measure(
        source, IMAGES, 0.6, fixed_routes=1, rounds=1, loop=1, ungated=ungated
    )
    assert content["gates"] == len(names) - len(ungated)
    assert content["ungated"] == ungated and content["routers_ms"] is None
    for row in content["images"]:
        route = content["routes"][row["route"]].replace(" ", "")
        runs = [bit == "1" or i % 2 == 0 for i, bit in enumerate(route)]
        always = macs_of(source.model, "".join("01"[run] for run in runs))
        macs = macs_of(source.model, route)
        assert row["macs"]["routed"] == always["rest"] + always["router"]
        assert row["macs"]["forced"] == macs["rest"]
        assert row["branches"] == route.count("1")
        assert row["gates_taken"] == route[1::2].count("1")


def test_images_on_given_routes(source):
    arguments = {"routes": ROUTES, "fixed_routes": 2, "rounds": 1, "loop": 1}
    content = routed_latency.measure(source, IMAGES, 1.0, **arguments)
    assert content["threshold"] is None and content["routers_ms"] is None
    assert content["routes"] == ["010 100", "110 100", "010 111"]
    assert [row["route"] for row in content["images"]] == [0, 1, 0, 1, 2, 0]
    check_rows(content, fixed_routes=2)
    for row in content["images"]:
        macs = macs_of(source.model, content["routes"][row["route"]])
        assert row["macs"]["routed"] == macs["rest"]
        assert row["macs"]["all_branches"] == macs["every"]
    for form in ("routed", "all_branches"):
        assert content["litert_benchmark"][form]["num_runs"] == 50
    lines = latency_report.table(content).splitlines()
    assert ["routers,", "ms", "-"] in [line.split() for line in lines]
