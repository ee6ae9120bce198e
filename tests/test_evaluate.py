import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import tiny_settings

from tfdyn.costs.cost_table import CostTable
from tfdyn.data.dataset import load
from tfdyn.evaluate import evaluate
from tfdyn.train import train

ROOT = pathlib.Path(__file__).parents[1]


def test_writes_what_it_returns(tiny_run):
    content = evaluate(tiny_run.path, [0.8, 0.5, 1.0])
    assert json.loads((tiny_run / "evaluation.json").read_text()) == content
    assert (tiny_run / "evaluation.png").stat().st_size > 1000
    assert content["examples"] == 360
    assert [row["threshold"] for row in content["routed"]] == [0.8, 0.5, 1.0]
    last = content["routed"][-1]
    assert last["accuracy"] == content["all_branches"]["accuracy"]
    assert last["macs_mean"] == content["all_branches"]["macs"]


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


def test_a_cost_table_is_reported(tiny_run, tmp_path):
    table = CostTable.count(tiny_run.load_model().modules)
    table.unit = "ms"
    table.save(tmp_path / "table.json")
    content = evaluate(tiny_run.path, [1.0], cost_table=tmp_path / "table.json")
    assert content["routed"][0]["ms_mean"] == content["all_branches"]["macs"]


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5, "high"])
def test_a_threshold_out_of_range(tiny_run, threshold):
    with pytest.raises(ValueError, match="0 < T <= 1"):
        evaluate(tiny_run.path, [threshold])


def test_no_run(tmp_path):
    with pytest.raises(ValueError, match="not a run folder"):
        evaluate(tmp_path)


def test_data_of_another_form(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    path = tmp_path / "run" / "input.json"
    path.write_text(path.read_text().replace('"9"', '"nine"'))
    with pytest.raises(ValueError, match="not what .* was trained on"):
        evaluate(tmp_path / "run")


def test_the_command_finds_the_newest_run_and_prints_one_object(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "runs" / "tiny")
    command = [sys.executable, "-m", "tfdyn.evaluate", "--thresholds=0.7", "--json"]
    process = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["routed"][0]["threshold"] == 0.7
