"""Routed latency: what is measured, and what is made of it; never how long it took."""

import json
import os
import pathlib
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
from conftest import tiny_settings
from tiny_networks import make, sharpen

from benchmarks import latency_report, routed_latency
from export.source import Source
from tfdyn.costs import complexity
from tfdyn.data.input_format import InputFormat
from tfdyn.settings.fields import to_flagfile

REPOSITORY = pathlib.Path(__file__).parents[1]
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
    """MACs of a route given as text, by the kinds of modules that run."""
    branches = iter(route.replace(" ", ""))
    macs = {"router": 0, "rest": 0, "every": 0}
    for module in model.modules:
        own = complexity.macs(module.layer)
        if module.kind == "router":
            macs["router"] += own
        else:
            macs["every"] += own
            macs["rest"] += own * (module.kind != "branch" or next(branches) == "1")
    return macs


def check_rows(content, fixed_routes):
    for row in content["images"]:
        forms = [*content["variants"]]
        assert list(row["ms"]) == forms[: None if row["route"] < fixed_routes else -1]
        assert all(milliseconds > 0 for milliseconds in row["ms"].values())
        assert list(row["macs"]) == list(row["ms"])
        assert row["gates_taken"] == content["routes"][row["route"]].count("1")
    with_fixed = [row for row in content["images"] if "fixed" in row["ms"]]
    assert content["fixed_images"] == len(with_fixed)


def test_images_on_their_own_routes(source, tmp_path, monkeypatch):
    monkeypatch.setattr(routed_latency, "litert_benchmark", lambda path: {"error": "-"})
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
    assert "routers, ms                -" in latency_report.table(content)


def test_forms_take_turns():
    calls = []

    def runtime(name, *inputs):
        def put(**given):
            assert tuple(given) == inputs
            calls.append(f"{name}{given['image']}")

        invoke = lambda: calls.append(".")  # noqa: E731
        return types.SimpleNamespace(inputs=inputs, set=put, invoke=invoke)

    a, b = runtime("a", "image"), runtime("b", "image", "route")
    forms = [{"a": a, "b": b}, {"b": b}]
    milliseconds = routed_latency.alternate(forms, [0, 1], ROUTES, rounds=2, loop=2)
    assert "".join(calls) == "a0{0}b0{0}b1{0}b0{0}a0{0}b1{0}".format(5 * ".")
    assert [list(own) for own in milliseconds] == [["a", "b"], ["b"]]


def test_a_benchmark_that_is_not_there_is_said(tmp_path):
    path = tmp_path / "model.tflite"
    outcome = routed_latency.litert_benchmark(path, module="no_such_module")
    assert "no_such_module" in outcome["error"]


def test_summary():
    def row(taken, routed, every, **others):
        macs = {"routed": 50, "all_branches": 100, **dict.fromkeys(others, 40)}
        ms = {"routed": routed, "all_branches": every, **others}
        return {"gates_taken": taken, "macs": macs, "ms": ms}

    rows = [row(2, 6.0, 8.0, forced=5.0, fixed=3.0), row(2, 4.0, 8.0, forced=3.5)]
    summary = latency_report.summary(rows, gates=10)
    assert summary["forms"]["routed"]["ms"] == {"median": 5.0, "quartiles": [4.5, 5.5]}
    assert summary["forms"]["fixed"]["macs"]["median"] == 40
    medians = {"time_saved": 0.375, "macs_saved": 0.5, "saved_ratio": 0.75}
    medians |= {"routed_to_all_branches": 0.625, "routed_to_fixed": 2.0}
    medians |= {"routers_ms": 0.75, "gate_us": 200.0}
    for name, median in medians.items():
        assert summary[name]["median"] == pytest.approx(median), name
    assert summary["fixed_images"] == 1 and summary["gate_fit"] is None


def test_summary_where_nothing_is_saved_or_fixed():
    both = {"routed": 8, "all_branches": 8}
    rows = [{"gates_taken": 4, "macs": both, "ms": both}]
    summary = latency_report.summary(rows, gates=4)
    assert list(summary["forms"]) == ["all_branches", "routed"]
    assert summary["macs_saved"]["median"] == 0 and summary["saved_ratio"] is None
    assert summary["gate_us"] is summary["gate_fit"] is None


def test_gates_taken_and_not_taken_are_fitted():
    taken = np.array([10, 14, 20, 30])
    microseconds = 3.0 * taken + 0.5 * (40 - taken)
    fit = latency_report.fit_gates(taken, 40, microseconds)
    assert fit["taken_us"] == pytest.approx(3.0)
    assert fit["not_taken_us"] == pytest.approx(0.5)
    assert fit["taken_se_us"] == pytest.approx(0, abs=1e-6)
    noise = np.array([1, -1, -1, 1])
    fit = latency_report.fit_gates(taken, 40, microseconds + noise)
    assert abs(fit["taken_us"] - 3.0) < 2 * fit["taken_se_us"] < 0.5


@pytest.mark.parametrize(
    "taken, microseconds",
    [
        ([], []),
        ([10, 20], [30, 40]),  # an exact fit says nothing of its error
        ([10, 10, 10], [30, 31, 32]),
        ([10, 10, 11], [10, 50, 30]),
    ],
)
def test_gates_that_are_not_determined_are_not_fitted(taken, microseconds):
    assert latency_report.fit_gates(taken, 40, microseconds) is None


@pytest.mark.slow
def test_command(tmp_path):
    flagfile = tmp_path / "tiny.flags"
    flagfile.write_text(to_flagfile(tiny_settings()))
    arguments = [f"--flagfile={flagfile}", f"--output={tmp_path}", "--routes=2"]
    arguments += ["--rounds=1", "--loop=1", "--json"]
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.routed_latency", *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        text=True,
    )
    assert result.returncode == 0
    content = json.loads(result.stdout)
    assert content == json.loads((tmp_path / "latency.json").read_text())
    assert len(content["images"]) == 2
    assert (tmp_path / "latency.png").exists()
