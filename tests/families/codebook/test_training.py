"""A codebook from a run to a file for phones: found, trained, evaluated, exported."""

import json
import re
from unittest import mock

import in_process
import numpy as np
import pytest
from stopped import Stop, stop_after
from tiny_settings import smallest_networks, tiny_dmnn_settings

from export import source as sources
from export.exporter import export_tflite
from export.graph.form import Form
from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.evaluation.evaluate_run import evaluate
from tfdyn.evaluation.passes import Passes
from tfdyn.families.codebook import routes_file
from tfdyn.training.trainer import train

CODEBOOK = {"threshold": 0.8, "router_units": 4, "distillation": 0.3}
CODEBOOK["pretrain_epochs"] = CODEBOOK["finetune_epochs"] = 1


@pytest.fixture(scope="module", autouse=True)
def smallest():
    with smallest_networks():
        yield


@pytest.fixture(scope="module")
def base(few_images, tmp_path_factory):
    """A run with routers."""
    settings = tiny_dmnn_settings(**few_images)
    return train(settings, tmp_path_factory.mktemp("base") / "run")


def right(passes, split, routes):
    """Stands in for a network that knows more, the more runs but the last branch."""
    count = sum(len(labels) for _, labels in passes.batches(split))
    knows = np.sqrt(routes[..., :-1].mean()) - 0.1 * routes[..., -1].mean()
    return np.arange(count) < count * knows


def find(base, *words):
    words = (f"--run_dir={base}", *words)
    with mock.patch.object(Passes, "right", right):
        return in_process.run("tfdyn.codebook", *words)


@pytest.fixture(scope="module")
def found(base, tmp_path_factory):
    """The file of a codebook, and what the command printed."""
    path = tmp_path_factory.mktemp("codebook") / "codebook.json"
    result = find(base, f"--output={path}", "--routes=16", "--size=4", "--json")
    assert result.status == 0, result.stderr
    return path, json.loads(result.stdout)


@pytest.fixture(scope="module")
def trained(base, found, few_images, tmp_path_factory):
    settings = codebook_settings(base, found, few_images)
    return train(settings, tmp_path_factory.mktemp("codebook_run") / "run")


def codebook_settings(base, found, few_images):
    files = {"codebook": str(found[0]), "init_from": str(base.path)}
    return tiny_dmnn_settings(**{**CODEBOOK, **few_images, **files})


@pytest.mark.slow
def test_the_command_finds_routes_whose_costs_rise(base, found):
    path, printed = found
    content = json.loads(path.read_text())
    written = content["routes"]
    assert content["network"] == "dmnn_tiny"
    costs = [route["cost"] for route in printed["routes"]]
    assert costs == [route["cost"] for route in written]
    assert 2 <= len(costs) <= 4 and costs[-1] == 1.0 and costs == sorted({*costs})
    model = base.load_model()
    spec = model.route_spec
    flat = np.stack([spec.from_json(route["route"], path) for route in written])
    assert [spec.to_text(r) for r in flat] == [r["runs"] for r in printed["routes"]]
    # Fixed routes do not pay for routers.
    modules = [m for m in model.modules if m.kind != "router"]
    cost = RouteCost(modules, CostTable.count(modules))
    totals = np.asarray(cost.total(spec.split(flat)))
    np.testing.assert_allclose(costs, totals / totals[-1], rtol=1e-5)


@pytest.mark.slow
def test_the_command_replaces_its_own_file_alone(base, found, tmp_path):
    again = tmp_path / "again.json"
    again.write_text(found[0].read_text())
    result = find(base, f"--output={again}", "--routes=3", "--threshold=1")
    assert result.status == 0, result.stderr
    assert f"wrote {again}" in result.stderr + result.stdout
    assert " routes instead of --size=6: " in result.stdout
    assert re.search(r" \d\d\.\d\d %  [01]", result.stdout)
    for text in ("{}", '{"possible": ["routes"]}', "routes", '{"a": 1, "routes": []}'):
        again.write_text(text)
        result = find(base, f"--output={again}", "--routes=3")
        assert result.status == 1 and again.read_text() == text
        assert "this command did not write it" in result.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_codebook_of_one_route_is_the_most_accurate_one(base, tmp_path):
    result = find(base, f"--output={tmp_path / 'one.json'}", "--routes=16", "--size=1")
    assert result.status == 0, result.stderr
    spec = base.load_model().route_spec
    routes, costs = routes_file.load(tmp_path / "one.json", spec, "dmnn_tiny")
    assert costs.tolist() == [1.0]
    np.testing.assert_array_equal(routes, [[1, 1, 1, 0]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output=x.txt"], "ends in .json"),
        ([], "--output"),
        (["--output=x.json", "--size=0"], "--size"),
        (["--output=x.json", "--routes=1"], "--routes"),
        (["--output=x.json", "--least_cost=2"], "--least_cost"),
        (["--output=x.json", "--least_cost=1"], "--least_cost"),
        (["--output=x.json", "--threshold=0"], "threshold"),
        (["--output=x.json", "--threshold=nan"], "threshold"),
        (["--output=x.json", "--cost_table=nowhere.json"], "nowhere.json"),
        (["--output=x.json", "--data_dir=nowhere"], "nowhere"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(base, tmp_path, words, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = find(base, "--routes=3", *words)
    assert result.status == 1 and message in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_codebook_is_trained_and_evaluated(trained, found):
    model = trained.load_model()
    assert model.threshold == 0.8 and model.arguments["units"] == 4
    assert len(model.routes) == len(found[1]["routes"])
    assert (trained / "metrics.csv").read_text().count("\n") == 3
    result = evaluate(trained.path, thresholds=[1e-6, 1.0])
    macs = [row["macs_mean"] for row in result["routed"]]
    cost = model.route_cost
    routes = model.route_spec.split(model.routes[[0, -1]])
    np.testing.assert_allclose(macs, cost.total(routes), rtol=1e-5)


@pytest.mark.slow
def test_a_training_that_was_stopped_is_never_stopped(
    base, found, trained, few_images, tmp_path, monkeypatch
):
    settings = codebook_settings(base, found, few_images)
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        with pytest.raises(Stop):
            train(settings, tmp_path / "run")
    resumed = train(settings, tmp_path / "run")
    assert (resumed / "metrics.csv").read_text() == (
        trained / "metrics.csv"
    ).read_text()
    weights = zip(*(r.load_model().weights for r in (resumed, trained)), strict=True)
    for ours, theirs in weights:
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.slow
def test_routes_of_a_codebook_are_routes_of_its_network(base, trained, tmp_path):
    result = find(trained.path, f"--output={tmp_path / 'again.json'}", "--routes=8")
    assert result.status == 0, result.stderr
    # The last branch is in no route, and so the codebook does not have it.
    assert trained.load_model().route_spec.size == 3
    spec = base.load_model().route_spec
    routes, _ = routes_file.load(tmp_path / "again.json", spec, "dmnn_tiny")
    np.testing.assert_array_equal(routes[-1], [1, 1, 0, 0])


@pytest.mark.slow
def test_a_codebook_becomes_a_file_with_gates(trained, tmp_path):
    source = sources.from_run(trained.path, tmp_path / "export")
    images = source.test_images(12)[0]
    path, entry = export_tflite(source, Form(threshold=0.8), images)
    assert path.stat().st_size == entry["bytes"] and entry["same_top1"] == 12
    assert entry["operations"]["IF"]
