import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from paths import ROOT
from tiny_networks import latency_table, make, make_dmnn
from tiny_settings import tiny_settings

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.data.dataset import load
from tfdyn.errors import UserError
from tfdyn.evaluation.evaluate_run import _call_options, evaluate
from tfdyn.locks import locked
from tfdyn.training.trainer import train


def test_writes_what_it_returns(tiny_run):
    content = evaluate(tiny_run.path, [0.8, 0.5, 1.0])
    assert json.loads((tiny_run / "evaluation.json").read_text()) == content
    assert (tiny_run / "evaluation.png").stat().st_size > 1000
    assert content["examples"] == 360
    assert [row["threshold"] for row in content["routed"]] == [0.8, 0.5, 1.0]
    last = content["routed"][-1]
    assert last["accuracy"] == content["all_branches"]["accuracy"]
    assert last["macs_mean"] == content["all_branches"]["macs"]


def test_by_default_the_threshold_of_the_model_is_among_those_evaluated(tmp_path):
    settings = tiny_settings(threshold=0.6, finetune_epochs=0)
    content = evaluate(train(settings, tmp_path / "a").path)
    thresholds = [row["threshold"] for row in content["routed"]]
    assert thresholds == [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


def test_accuracy_is_that_of_the_test_set(tiny_run):
    content = evaluate(tiny_run.path, [0.6])
    batches = load("digits").batches("test", 360).as_numpy_iterator()
    images, labels = next(iter(batches))
    outputs = tiny_run.load_model()(images, threshold=0.6)
    right = np.argmax(outputs["logits"], -1) == labels
    assert content["routed"][0]["accuracy"] == pytest.approx(right.mean())


def test_thresholds_of_one_a_connection_are_evaluated_too(tmp_path):
    settings = tiny_settings(threshold=(0.4, 0.9), finetune_epochs=0)
    folder = train(settings, tmp_path / "run")
    content = evaluate(folder.path, [1.0])
    assert [row["threshold"] for row in content["routed"]] == [1.0, (0.4, 0.9)]


def test_a_network_without_routers_has_one_row(tmp_path):
    settings = tiny_settings(selection="none", threshold=1.0)
    folder = train(settings, tmp_path / "run")
    (row,) = evaluate(folder.path)["routed"]
    assert row["threshold"] == 1.0


@pytest.fixture
def timed(tiny_run, tmp_path):
    """A copy of the run with a latency table, and the ms of all its branches."""
    folder = pathlib.Path(shutil.copytree(tiny_run.path, tmp_path / "runs" / "timed"))
    model = tiny_run.load_model()
    table = latency_table(model)
    table.save(folder / "latency.host.json")
    cost = RouteCost(model.modules, table)
    return folder, cost.fixed + cost.all_branches


def test_a_cost_table_is_reported(tiny_run, tmp_path):
    table = CostTable.count(tiny_run.load_model().modules)
    table.unit = "ms"
    table.save(tmp_path / "table.json")
    content = evaluate(tiny_run.path, [1.0], cost_table=tmp_path / "table.json")
    full = content["all_branches"]
    assert content["routed"][0]["ms_mean"] == full["ms"] == full["macs"]
    assert content["cost_table"] == str(tmp_path / "table.json")


def test_the_run_s_own_table_is_reported_unasked(timed):
    folder, full = timed
    content = evaluate(folder, [0.5])
    assert content["cost_table"] == str(folder / "latency.host.json")
    assert content["all_branches"]["ms"] == pytest.approx(full)
    assert 0 < content["routed"][0]["ms_mean"] < full


def test_a_budget_has_a_row_at_the_threshold_that_meets_it(timed):
    folder, full = timed
    flags = (folder / "flags.txt").read_text()
    flags = flags.replace("--validation_share=0.1", "--validation_share=0.3")
    (folder / "flags.txt").write_text(flags)
    budgets = 0.98 * full, 2 * full  # Of the first a margin is kept free.
    content = evaluate(folder, [0.3], budgets_ms=budgets)
    assert json.loads((folder / "evaluation.json").read_text()) == content
    plain, chosen, all_branches = content["routed"]
    assert "budget_ms" not in plain
    assert (chosen["budget_ms"], all_branches["budget_ms"]) == budgets
    assert chosen["validation_ms"] <= budgets[0]
    assert chosen["ms_mean"] == pytest.approx(chosen["validation_ms"], rel=0.05)
    assert 0.3 < chosen["threshold"] < all_branches["threshold"] == 1.0
    # The run's own share, not the default.
    count = load("digits", validation_share=0.3).num_examples("validation")
    assert chosen["validation_examples"] == count


def test_a_target_rate_has_a_row_at_the_threshold_that_keeps_to_it(tiny_run):
    content = evaluate(tiny_run.path, [1.0], target_rates=[0.6])
    full, chosen = content["routed"]
    assert "target_rate" not in full and full["executed_share"] == 1.0
    assert chosen["target_rate"] == 0.6 >= chosen["validation_rate"]
    assert chosen["executed_share"] == pytest.approx(chosen["validation_rate"], abs=0.1)
    assert chosen["threshold"] < 1


def test_noise_and_temperature_are_options(tiny_run):
    plain = evaluate(tiny_run.path, [0.8])
    assert not {"inference_noise", "inference_temperature"} & plain.keys()
    noisy, again = (
        evaluate(tiny_run.path, [0.8], inference_noise=True) for _ in range(2)
    )
    assert noisy == again and noisy["inference_noise"] is True
    (row,), (plain_row,) = noisy["routed"], plain["routed"]
    assert row["macs_mean"] != plain_row["macs_mean"]
    cold = evaluate(tiny_run.path, [0.8], inference_temperature=0.01)
    assert cold["inference_temperature"] == 0.01
    assert cold["routed"][0]["branches_per_connection"] == pytest.approx(1, abs=0.05)


def test_noise_meets_a_target_rate_too(tiny_run):
    content = evaluate(tiny_run.path, [1.0], target_rates=[0.6], inference_noise=True)
    row = content["routed"][1]
    assert row["validation_rate"] <= 0.6
    assert row["executed_share"] == pytest.approx(row["validation_rate"], abs=0.1)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_none(tiny_run, temperature):
    with pytest.raises(ValueError, match="--inference_temperature must be above 0"):
        evaluate(tiny_run.path, [1.0], inference_temperature=temperature)


def test_options_that_change_nothing_are_refused():
    dmnn, softmax = make_dmnn(), make(selection="softmax", num_nodes=1)
    for model, noise, temperature in (
        (dmnn, True, None),
        (dmnn, False, 1.0),
        (softmax, True, None),
    ):
        with pytest.raises(ValueError, match="does not change .*: only DRNet's"):
            _call_options(model, noise, temperature)
    assert _call_options(softmax, False, 0.5) == {"temperature": 0.5}
    assert _call_options(dmnn, False, None) == {}


def test_a_budget_needs_a_table(tiny_run):
    with pytest.raises(ValueError, match="has no latency table"):
        evaluate(tiny_run.path, [1.0], budgets_ms=[1.0])


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5, "high"])
def test_a_threshold_out_of_range(tiny_run, threshold):
    with pytest.raises(ValueError, match="0 < T <= 1"):
        evaluate(tiny_run.path, [threshold])


def test_the_use_of_branches_by_category(tiny_run, tmp_path):
    path = tmp_path / "categories.json"
    path.write_text(json.dumps({"low": list("01234"), "high": list("56789")}))
    use = evaluate(tiny_run.path, [1.0, 0.7], categories=str(path))["use"]
    assert use["threshold"] == 0.7  # The nearest to the model's own, 0.8.
    assert list(use["categories"]) == ["low", "high"]
    assert use["all"].keys() == use["categories"]["low"].keys()
    with pytest.raises(OSError, match="no nowhere, a file for --categories"):
        evaluate(tiny_run.path, [1.0], categories="nowhere")


def test_one_command_at_a_time_writes_the_results(tiny_run):
    with locked(tiny_run.path), pytest.raises(UserError, match=r"another.*\(process"):
        evaluate(tiny_run.path, [1.0])
    assert evaluate(tiny_run.path, [1.0])


def test_no_run(tmp_path):
    with pytest.raises(ValueError, match="not a run folder"):
        evaluate(tmp_path)


def test_data_of_another_form(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    path = tmp_path / "run" / "input.json"
    path.write_text(path.read_text().replace('"9"', '"nine"'))
    with pytest.raises(ValueError, match="not what .* was trained on"):
        evaluate(tmp_path / "run")


def test_the_command_finds_the_newest_run_and_prints_one_object(timed, tmp_path):
    command = [sys.executable, "-m", "tfdyn.evaluate", "--thresholds=0.7", "--json"]
    command += ["--budget_ms=50,100", "--target_rate=1"]
    process = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    rows = json.loads(process.stdout)["routed"]
    assert [row["threshold"] for row in rows] == [0.7, 1.0, 1.0, 1.0]
    assert [row.get("budget_ms") for row in rows] == [None, 50.0, 100.0, None]
    assert rows[-1]["target_rate"] == 1
