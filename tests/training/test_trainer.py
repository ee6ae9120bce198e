"""The command that trains: its errors, and what a kill leaves behind."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import in_process
import numpy as np
import pytest
from paths import ROOT
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_networks import latency_table
from tiny_settings import (
    QUICK_BRANCHES,
    smallest_networks,
    tiny_dmnn_settings,
    tiny_instanas_settings,
    tiny_settings,
)

import tfdyn
from tfdyn.costs.route_cost import RouteCost
from tfdyn.evaluation.evaluate_run import evaluate
from tfdyn.families.drnet.stem import ImageNetStem
from tfdyn.settings.flagfiles import to_flagfile
from tfdyn.training.trainer import train


def command(folder, flagfile):
    return "tfdyn.train", f"--flagfile={flagfile}", f"--run_dir={folder}"


@pytest.mark.slow
def test_killed_while_it_writes_and_started_again_is_never_killed(few_images, tmp_path):
    changes = {"pretrain_epochs": 4, "finetune_epochs": 0, "branches": QUICK_BRANCHES}
    settings = tiny_settings(**changes, **few_images)
    flagfile = tmp_path / "tiny.flags"
    flagfile.write_text(to_flagfile(settings))
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-m", *command(folder, flagfile), "--noevaluate"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Whatever the second checkpoint's first sign is, it is killed at it.
    while not list((folder / "checkpoints").glob("epoch-2*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (folder / "model.keras").exists()

    again = in_process.run(*command(folder, flagfile))
    assert again.status == 0, again.stderr
    assert "resuming after epoch" in again.stderr
    # The evaluation's table is the last thing printed.
    assert again.stdout.splitlines()[-1].startswith("T=1 ")
    assert (folder / "evaluation.json").exists()

    whole = train(settings, tmp_path / "whole")
    pairs = zip(
        tfdyn.load(folder).get_weights(),
        tfdyn.load(whole.path).get_weights(),
        strict=True,
    )
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_the_command_says_in_one_line_what_is_wrong(tmp_path):
    flagfile = tmp_path / "bad.flags"
    flagfile.write_text("--dataset=folder\n--data_dir=nowhere\n")
    process = subprocess.run(
        [sys.executable, "-m", *command(tmp_path / "run", flagfile)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert process.stderr.startswith("error: ") and "nowhere" in process.stderr
    assert len(process.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def pictures(folder, classes, size=8):
    for name in classes:
        (folder / name).mkdir(parents=True)
        for index in range(6):
            shade = np.full((size, size, 3), 40 * index, np.uint8)
            Image.fromarray(shade).save(folder / name / f"{index}.png")
    return folder


def broken_picture(folder):
    pictures(folder, ("cat", "dog"))
    (folder / "cat" / "broken.png").write_bytes(b"no picture")
    return folder


BAD_INPUT = {
    "network": ({"network": "drnet_xxl"}, "drnet_xxl is unknown; .*networks are"),
    "branch": ({"branches": ("conv_9x9",)}, "conv_9x9"),
    "batch": ({"batch_size": 5000}, "--batch_size=5000 is more than the 1295"),
    "share": (
        {"validation_share": 1.5},
        "--validation_share must be at least 0 and below 1; got 1.5",
    ),
    "cutout": ({"cutout": -1}, "--cutout must be from 0 to 2048; got -1"),
    "crop": ({"crop": "round"}, "--crop is one of pad"),
    "data set": ({"dataset": "mnist"}, "--dataset is one of digits"),
    "table": ({"cost_table": "nowhere.json"}, "nowhere.json"),
    "start": ({"init_from": "nowhere"}, "nowhere is not a run folder"),
    "connections": ({"threshold": (0.5,) * 7}, "each of the 2 connections"),
}


@pytest.mark.parametrize("changes, message", BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_a_clear_error_and_leaves_nothing(tmp_path, changes, message):
    with pytest.raises((ValueError, OSError), match=message):
        train(tiny_settings(**changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda folder: folder, "folder"),
        (lambda folder: pictures(folder, ("cat",)), "two classes"),
        (broken_picture, "broken.png"),
    ],
    ids=["missing", "one class", "broken image"],
)
def test_a_bad_folder_of_pictures(tmp_path, make, message):
    data_dir = str(make(tmp_path / "pictures"))
    settings = tiny_settings(dataset="folder", data_dir=data_dir)
    with pytest.raises((ValueError, OSError), match=message):
        train(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_other_settings_leave_the_run_as_it_is(tiny_run):
    before = {path: path.stat().st_mtime_ns for path in tiny_run.path.rglob("*")}
    with pytest.raises(ValueError, match="--seed is 0 there, 5 here"):
        train(tiny_settings(seed=5), tiny_run.path)
    after = {path: path.stat().st_mtime_ns for path in tiny_run.path.rglob("*")}
    assert after == before


def test_a_finished_run_is_not_trained_again(tiny_run):
    output = io.StringIO()
    train(tiny_settings(), tiny_run.path, output)
    assert "is finished" in output.getvalue()


def test_trains_on_a_folder_of_pictures_and_without_validation(tmp_path):
    data_dir = str(pictures(tmp_path / "pictures", ("cat", "dog", "emu")))
    settings = tiny_settings(
        dataset="folder",
        data_dir=data_dir,
        image_size=8,
        batch_size=4,
        validation_share=0.0,
        finetune_epochs=0,
    )
    folder = train(settings, tmp_path / "run")
    assert folder.input_format().class_names == ("cat", "dog", "emu")
    assert folder.load_model().head.num_classes == 3
    assert not (folder / "best.keras").exists()


def test_trains_as_on_imagenet(tmp_path):
    data_dir = str(pictures(tmp_path / "pictures", ("cat", "dog"), size=120))
    settings = tiny_settings(
        network="drnet_l_imagenet",
        dataset="folder",
        data_dir=data_dir,
        image_size=104,
        batch_size=4,
        crop="resized",
        autoaugment="imagenet",
        nesterov=True,
        learning_rate_schedule="exponential",
        label_smoothing=0.1,
        pretrain_epochs=0,
    )
    model = train(settings, tmp_path / "run").load_model()
    assert isinstance(model.stem, ImageNetStem)
    assert model.get_config()["input_shape"] == [104, 104, 3]


@pytest.mark.parametrize("form", ["log", "share"])
def test_a_training_in_milliseconds(tiny_run, tmp_path, form, caplog):
    table = latency_table(tiny_run.load_model())
    table.save(tmp_path / "latency.host.json")
    settings = tiny_settings(
        pretrain_epochs=0,
        cost_table=str(tmp_path / "latency.host.json"),
        cost_form=form,
        cost_weight=0.5,
    )
    output = io.StringIO()
    folder = train(settings, tmp_path / "run", output)
    assert folder.settings() == settings
    (row,) = csv.DictReader((folder / "metrics.csv").read_text().splitlines())
    cost = RouteCost(folder.load_model().modules, table)
    assert cost.fixed < float(row["val_ms_mean"]) <= cost.fixed + cost.all_branches
    assert f"val_ms {float(row['val_ms_mean']):.4g}" in output.getvalue()
    line = f"cost table: {settings.cost_table}, measured on an unknown device\n"
    assert line in output.getvalue() and "does not say where" in caplog.text


def test_a_dmnn_is_trained_and_evaluated_by_the_same_commands(tmp_path):
    categories = tmp_path / "categories.json"
    categories.write_text('{"round": [0, 6, 8, 9, 3, 2], "straight": [1, 4, 5, 7]}')
    settings = tiny_dmnn_settings(categories=str(categories))
    with smallest_networks():
        run = train(settings, tmp_path / "run", io.StringIO())
    model = run.load_model()
    assert model.category_heads is None and model.name == "dmnn_tiny"
    routed = evaluate(run.path, [0.5, 1.0])["routed"]
    assert [row["threshold"] for row in routed] == [0.5, 1.0]
    assert routed[1]["macs_mean"] == model.route_cost.fixed + 43392
    assert routed[0]["macs_mean"] <= routed[1]["macs_mean"]


@pytest.mark.slow
def test_an_instanas_is_searched_by_the_same_command(searched):
    run, said = searched
    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    stages = ["pretrain", *["router", "meta_graph"] * 5, "finetune"]
    assert [row["stage"] for row in rows] == stages
    bounds = [float(row["upper_bound"]) for row in rows[1:11]]
    assert bounds[::2] == bounds[1::2] == sorted(set(bounds), reverse=True)
    assert all(0 <= float(row["reward"]) <= 30 for row in rows[1:11:2])
    assert [row["reward"] for row in rows[::2]] == [""] * 6
    # The router rests while the meta-graph learns.
    costs = [row["val_macs_mean"] for row in rows]
    assert costs[1:10:2] == costs[2:11:2]
    # It follows the bound, from half of the modules down.
    assert float(costs[9]) < 0.9 * float(costs[1]) < 0.9 * float(costs[0])
    points = json.loads((run / "operating_points.json").read_text())
    assert [point["point"] for point in points] == list("ABCDE")
    assert "upper_bound" in said and "same_architecture" in said
    events = EventAccumulator(str(run / "tensorboard" / "train"))
    events.Reload()
    names = ("reward", "upper_bound", "lower_bound", "modules", "same_architecture")
    tags = set(events.Tags()["tensors"])
    assert tags >= {f"epoch_{name}" for name in (*names, "entropy", "use_basic_conv")}
    assert "point  epoch  accuracy" in said


@pytest.mark.slow
def test_stage_2_trains_under_the_router_of_the_operating_point(searched):
    run, _ = searched
    model = run.load_model()
    point = tfdyn.load(run / "operating_points" / "B")
    for ours, theirs in zip(model.router.weights, point.router.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    kernels = [m.stem.weights[0].numpy() for m in (model, point)]
    assert (kernels[0] != kernels[1]).any()
    evaluated = evaluate(run / "operating_points" / "B", [0.5, 1.0])
    assert evaluated["routed"][1]["macs_mean"] == evaluated["all_branches"]["macs"]


@pytest.mark.slow
def test_another_point_of_the_same_search_is_trained_in_another_run(
    few_images, searched, tmp_path
):
    start = searched[0] / "operating_points" / "E"
    changes = {"pretrain_epochs": 0, "joint_epochs": 0, "init_from": str(start)}
    settings = tiny_instanas_settings(**changes, **few_images)
    with smallest_networks():
        run = train(settings, tmp_path / "run", io.StringIO())
    pair = run.load_model(), tfdyn.load(start)
    for ours, theirs in zip(*(model.router.weights for model in pair), strict=True):
        np.testing.assert_array_equal(ours, theirs)
