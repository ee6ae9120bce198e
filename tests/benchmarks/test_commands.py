"""The commands of benchmarks/ run, and print what they say they print."""

import json

import in_process
import pytest
from tiny_settings import tiny_settings

from tfdyn.settings.flagfiles import to_flagfile


@pytest.fixture
def flagfile(tmp_path):
    path = tmp_path / "tiny.flags"
    path.write_text(to_flagfile(tiny_settings()))
    return f"--flagfile={path}"


def run_command(*arguments):
    result = in_process.run(*arguments, "--rounds=3", "--json")
    assert result.status == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.slow
def test_training_step(flagfile):
    content = run_command("benchmarks.training_step", flagfile)
    assert list(content["forms"]) == ["tfdyn", "plain"]
    for row in content["forms"].values():
        assert row["images_per_s"] == pytest.approx(128 / row["step_s"])
        assert row["first_step_s"] > row["step_s"]
        assert row["peak_memory_mib"] > 100
    low, high = content["ratio_quartiles"]
    assert 0 < low <= content["ratio"] <= high


@pytest.mark.slow
def test_evaluation(tiny_run):
    arguments = f"--run_dir={tiny_run.path}", "--images=100", "--batch_size=40"
    content = run_command("benchmarks.evaluation", *arguments)
    dispatched, masked = content["forms"].values()
    assert content["examples"] == 120
    assert dispatched["accuracy"] == masked["accuracy"]
    assert dispatched["images_per_s"] > 0 < masked["images_per_s"]
    assert content["ratio"] > 0


@pytest.mark.slow
def test_saved_model(tiny_run):
    arguments = f"--run_dir={tiny_run.path}", "--images=100", "--batches_of=40"
    content = run_command("benchmarks.saved_model", *arguments)
    assert content["examples"] == 80
    assert set(content["images_per_s"]) == {"batched", "masked"}
    assert min(content["images_per_s"].values()) > 0
    assert 0 < content["macs_mean"] and 0 < content["ratio"]


@pytest.mark.slow
def test_routed_latency(flagfile, tmp_path):
    output = f"--output={tmp_path}/latency.json"
    arguments = flagfile, output, "--untrained", "--routes=2", "--loop=1"
    content = run_command("benchmarks.routed_latency", *arguments)
    assert content == json.loads((tmp_path / "latency.json").read_text())
    assert len(content["images"]) == 2
    assert (tmp_path / "latency.png").exists()
