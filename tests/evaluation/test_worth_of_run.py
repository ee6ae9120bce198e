"""The command that measures what a router is worth."""

import dataclasses
import json
import shutil

import in_process
import pytest
from tiny_runs import STATIC, untrained_run


@pytest.fixture
def run(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    return tmp_path / "run"


def command(run, *words):
    return in_process.run("tfdyn.router_worth", *words, cwd=run.parent)


def test_the_command_measures_a_run_at_its_own_threshold(run):
    result = command(run, "--run_dir=run", "--routes=5", "--json")
    assert result.status == 0, result.stderr
    content = json.loads(result.stdout)
    assert content == json.loads((run / "router_worth.json").read_text())
    assert content["static"]["tried"] == 5 and content["unit"] == "macs"
    (part,) = content["thresholds"]
    assert part["threshold"] == 0.8
    rows = part["rows"]
    assert rows["own"]["cost"] == pytest.approx(rows["others'"]["cost"])
    costs = [route["cost"] for route in content["static"]["frontier"]]
    assert costs[0] <= rows["best static"]["cost"] <= costs[-1]
    assert costs == sorted(costs)
    assert (run / "router_worth.png").stat().st_size > 5000


def test_several_runs_have_a_mean_and_a_spread(run):
    shutil.copytree(run, run.parent / "other")
    words = ("--run_dirs=run,other", "--routes=3", "--thresholds=0.5,1")
    result = command(run, *words)
    assert result.status == 0, result.stderr
    assert "2 runs, which differ in no setting" in result.stdout
    assert "± 0.00 %" in result.stdout and "T=0.5" in result.stdout


def test_several_runs_are_checked_before_one_is_measured(run):
    result = command(run, "--run_dirs=run,./run")
    assert result.status == 1 and "twice" in result.stderr.splitlines()[-1]
    assert not (run / "router_worth.json").exists()


def test_several_runs_are_compared_at_the_same_thresholds(run, tiny_run):
    folder, input_format = run.parent / "other", tiny_run.input_format()
    untrained_run(folder, input_format, threshold=(0.6,))
    result = command(run, "--run_dirs=run,other")
    assert result.status == 1
    assert "run has T=0.8 and other T=0.6" in result.stderr.splitlines()[-1]
    assert not (run / "router_worth.json").exists()


def test_all_runs_are_checked_before_one_is_measured(run, tiny_run):
    input_format = tiny_run.input_format()
    untrained_run(run.parent / "static", input_format, **STATIC)
    untrained_run(run.parent / "blind", input_format, validation_share=0.0)
    untrained_run(run.parent / "half", input_format)
    (run.parent / "half/model.keras").unlink()
    for name, message in (
        ("static", "static has no router"),
        ("blind", "blind has no validation images"),
        ("half", "half is not finished"),
    ):
        result = command(run, f"--run_dirs=run,{name}", "--thresholds=0.5")
        assert result.status == 1 and message in result.stderr.splitlines()[-1]
        assert not (run / "router_worth.json").exists()


def test_a_run_of_another_shape_is_a_twin_to_compare_with(run, tiny_run):
    folder, input_format = run.parent / "twin", tiny_run.input_format()
    untrained_run(folder, input_format, filters=8, **STATIC)
    words = ("--run_dir=run", "--routes=3", "--static_twin=twin")
    result = command(run, *words)
    assert result.status == 0, result.stderr
    (row,) = (r for r in result.stdout.splitlines() if r.startswith("static twin"))
    content = json.loads((run / "router_worth.json").read_text())
    assert content["static_twin"]["cost"] > 0
    assert f"{100 * content['static_twin']['accuracy']:.2f} %" in row


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (4, 4, 1)}, "shape (4, 4, 1) instead of (8, 8, 1)"),
        ({"mean": (0.25,)}, "mean (0.25,) instead of"),
        ({"class_names": tuple("abcdefghij")}, "with 'a', 'b', 'c' and 7 more"),
    ],
)
def test_a_twin_of_other_images_is_refused(run, tiny_run, change, message):
    other = dataclasses.replace(tiny_run.input_format(), **change)
    untrained_run(run.parent / "twin", other, **STATIC)
    result = command(run, "--run_dir=run", "--static_twin=twin")
    error = result.stderr.splitlines()[-1]
    assert result.status == 1 and message in error
    assert "--static_twin=twin was trained on other images than run" in error
    assert not (run / "router_worth.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--thresholds=0"], "--thresholds"),
        (["--thresholds=x"], "--thresholds"),
        (["--routes=1"], "--routes"),
        (["--run_dirs=run,run"], "leave out --run_dirs"),
        (["--cost_table=nowhere.json"], "nowhere.json"),
        (["--static_twin=nowhere"], "nowhere"),
        (["--static_twin=run"], "--static_twin=run has a router"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(run, words, message):
    result = command(run, "--run_dir=run", *words)
    assert result.status == 1 and message in result.stderr.splitlines()[-1]
    assert not (run / "router_worth.json").exists()
