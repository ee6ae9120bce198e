"""Export to TFLite: files that compute what Keras computes, or none."""

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from paths import ROOT
from PIL import Image

from export import exporter
from export import source as sources
from export.checks import parity
from export.exporter import choose_route, export_saved_model, export_tflite
from export.graph.form import Form
from export.interpreter import Interpreter
from export.runtime import Classifier
from tfdyn.locks import locked
from tfdyn.routing.random_routes import random_routes
from tfdyn.runs.run_folder import RunFolder


@pytest.fixture(scope="module")
def source(tiny_run, tmp_path_factory):
    return sources.from_run(tiny_run.path, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def images(source):
    return source.test_images(24)[0]


@pytest.fixture(scope="module")
def exported(source, images):
    choices = {"threshold": 0.7, "budget_ms": 0.8, "cost_table": "latency.host.json"}
    return export_tflite(source, Form(threshold=0.7), images=images, choices=choices)


def test_a_routed_file_has_a_gate_for_each_branch(exported, source):
    path, entry = exported
    assert path == source.folder / "model.tflite"
    branches = sum(len(op.branches) for op in source.model.mixed_ops)
    assert entry["operations"]["IF"] == branches
    assert entry["subgraphs"] == 1 + 2 * branches
    assert entry["images"] == entry["same_top1"] == 24
    assert entry["bytes"] == path.stat().st_size


def test_beside_it_stands_what_an_app_must_know(exported, source):
    content = json.loads((source.folder / "model.json").read_text())
    assert content["labels"] == list("0123456789")
    assert content["input"]["shape"] == [1, 8, 8, 1]
    assert content["input"]["dtype"] == "uint8"
    assert content["threshold"] == 0.7 and content["network"]["family"] == "DRNet"
    manifest = json.loads((source.folder / "manifest.json").read_text())
    entry = manifest["files"]["model.tflite"]
    assert entry == exported[1]
    assert (entry["budget_ms"], entry["cost_table"]) == (0.8, "latency.host.json")


def test_the_file_says_what_its_route_costs(exported, source, images):
    interpreter = Interpreter(exported[0])
    assert set(interpreter.inputs) == {"image"}
    outputs = interpreter(image=images[0])
    normalized = source.input_format.normalize(images[:1])
    expected = source.model(normalized, threshold=0.7)
    macs = source.model.route_cost.total(expected["route"])
    np.testing.assert_allclose(outputs["macs"], macs, rtol=1e-6)
    np.testing.assert_allclose(outputs["probabilities"].sum(), 1, atol=1e-5)


def test_a_threshold_that_is_an_input_changes_the_work(source, images):
    form = Form(threshold=0.7, threshold_input=True)
    path, _ = export_tflite(source, form, images=images[:4])
    interpreter = Interpreter(path)
    macs = [interpreter(image=images[0], threshold=t)["macs"][0] for t in (0.01, 1.0)]
    all_branches = source.model.route_cost.fixed + source.model.route_cost.all_branches
    assert macs[0] < macs[1] == pytest.approx(all_branches)


@pytest.mark.parametrize("precision", ["float16", "dynamic"])
def test_smaller_precisions(source, images, precision):
    path, entry = export_tflite(
        source, Form(threshold=0.7), images, precision=precision
    )
    assert entry["precision"] == precision
    # The gates stay gates.
    assert entry["operations"]["IF"] == 4


def test_int8_says_what_it_was_calibrated_on(source, images, monkeypatch):
    # The classes of a network that hardly learnt are near each other.
    loose = dataclasses.replace(parity.TOLERANCES["int8"], top1=0.7)
    monkeypatch.setitem(parity.TOLERANCES, "int8", loose)
    path, entry = export_tflite(source, Form(threshold=0.7), images, precision="int8")
    assert entry["operations"]["IF"] == 4 and entry["convolutions"]["INT8 x INT8"] > 4
    calibration = entry["calibration"]
    assert calibration["of"] == "training images of digits"
    assert calibration["images"] == 256 and calibration["at"] == 0.7
    assert calibration["forced_share"] == 0.25 and calibration["seed"] == 0
    assert len(calibration["branches"]) == 4 and len(calibration["sha256"]) == 64
    for branch in calibration["branches"].values():
        assert branch["chosen"] + branch["forced"] >= 8
    assert all(low < high for low, high in calibration["ranges"].values())
    classification = Classifier(path)(images)
    np.testing.assert_allclose(classification.probabilities.sum(-1), 1, atol=1e-5)


def test_int8_goes_in_and_comes_out(source, images, tmp_path, monkeypatch):
    loose = dataclasses.replace(parity.TOLERANCES["int8"], top1=0.7)
    monkeypatch.setitem(parity.TOLERANCES, "int8", loose)
    elsewhere = dataclasses.replace(source, folder=tmp_path)
    form = Form("all_branches", int8_io=True)
    path, entry = export_tflite(elsewhere, form, images, precision="int8")
    scales = entry["quantization"]
    assert entry["int8_io"] and set(scales) == {"image", "logits", "probabilities"}
    image = {"dtype": "int8", "scale": 1.0, "zero_point": -128}
    assert scales["image"] == image
    content = json.loads((tmp_path / "model.json").read_text())
    assert content["quantization"] == {path.name: scales}
    assert content["input"]["dtype"] == "int8"
    assert "less 128" in content["input"]["normalization"]
    classification = Classifier(path)(images)
    logits = [Interpreter(path)(image=image)["logits"][0] for image in images]
    best = [str(row.argmax()) for row in logits]
    assert classification.labels == best
    np.testing.assert_allclose(classification.probabilities.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("variant", ["all_branches", "forced"])
def test_other_variants_are_checked_too(source, images, variant):
    path, entry = export_tflite(source, Form(variant, preprocess=False), images=images)
    assert path.name == f"model.{variant}.tflite"
    assert entry["same_route"] == 24
    interpreter = Interpreter(path)
    assert ("route" in interpreter.inputs) == (variant == "forced")
    assert interpreter.inputs["image"].dtype == np.float32


def test_a_fixed_route_is_in_the_manifest(source, images):
    route, reason = choose_route(source, 0.7, images=images)
    assert "of 24 images" in reason
    path, entry = export_tflite(source, Form("fixed"), images, route=route)
    assert "IF" not in entry["operations"]
    assert entry["route"] == source.model.route_spec.to_json(route)


def test_a_route_from_a_file_or_a_picture(source, images, tmp_path):
    (route,) = random_routes(source.model.route_spec, 1, 1.0)
    path = tmp_path / "route.json"
    path.write_text(json.dumps(source.model.route_spec.to_json(route)))
    read, _ = choose_route(source, 0.7, images, route_file=path)
    np.testing.assert_allclose(read, route, atol=1e-6)
    Image.fromarray(images[3, :, :, 0]).save(tmp_path / "three.png")
    image_route, _ = choose_route(source, 0.7, images, image=tmp_path / "three.png")
    expected = parity.Reference(source.model)(
        source.input_format.normalize(images[3:4]), 0.7
    )
    np.testing.assert_allclose(image_route, expected[1][0], atol=1e-6)


def test_a_file_that_fails_its_check_is_not_left(source, images, tmp_path, monkeypatch):
    elsewhere = dataclasses.replace(source, folder=tmp_path)
    strict = parity.Tolerance(-1.0, 1.0, 1e-4)
    monkeypatch.setitem(parity.TOLERANCES, "float32", strict)
    with pytest.raises(ValueError, match="Logits differ"):
        export_tflite(elsewhere, Form(threshold=0.7), images=images[:2])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("form", "changes", "message"),
    [
        (Form(), {"precision": "int4"}, "one of float32, float16, dynamic"),
        (Form(int8_io=True), {}, "Only files of the precision int8 .*got float32"),
        (
            Form(),
            {"precision": "int8", "calibration": np.zeros((31, 8, 8, 1), "uint8")},
            "at least 32 images; got 31",
        ),
        (Form(threshold=[0.5] * 7), {}, "one for each of the 2 connections; got 7"),
        (Form(), {"images": np.zeros((2, 8, 8, 1))}, "uint8 array .*got float64"),
        (Form(), {"images": np.zeros((2, 9, 8, 1), "uint8")}, r"\(n, 8, 8, 1\)"),
        (Form(), {"images": np.zeros((0, 8, 8, 1), "uint8")}, "n of 1 or more"),
        (Form("fixed"), {}, "needs a route"),
        (Form(), {"route": np.ones(4)}, "The fixed variant, and no other"),
        (Form("fixed"), {"route": np.zeros(4)}, "must run 1 or more"),
        (Form("fixed"), {"route": -np.ones(4)}, "needs weights from 0 to 1"),
        (Form("fixed"), {"route": np.ones(3)}, "has 4 weights"),
    ],
)
def test_an_argument_that_cannot_be(source, images, tmp_path, form, changes, message):
    elsewhere = dataclasses.replace(source, folder=tmp_path)
    with pytest.raises(ValueError, match=message):
        export_tflite(elsewhere, form, **{"images": images[:2], **changes})
    assert list(tmp_path.iterdir()) == []


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refuse_conversion(*args):
    raise AssertionError("nothing may be converted")


@pytest.mark.parametrize("name", ["evaluation.json", "manifest.json"])
@pytest.mark.parametrize(
    "text",
    ["", "x", "{}", "[]", "null", "[" * 100_000, '{"files": [], "routed": [{}]}', None],
    ids=range(8),
)
def test_a_broken_file_is_refused_before_the_conversion(
    exported, source, images, tmp_path, monkeypatch, name, text
):
    run, folder = tmp_path / "run", tmp_path / "run" / "export"
    shutil.copytree(source.folder, folder)
    place = run if name == "evaluation.json" else folder
    (place / name).unlink(missing_ok=True)
    (place / name).mkdir() if text is None else (place / name).write_text(text)
    source = dataclasses.replace(source, folder=folder, run=RunFolder(run))
    before = contents(folder) if text is not None else None
    monkeypatch.setattr(exporter, "convert", refuse_conversion)
    with pytest.raises(ValueError, match=name):
        export_tflite(source, Form(threshold=0.3), images)
    assert before is None or contents(folder) == before


def test_one_export_at_a_time_and_the_second_is_told(source, images, monkeypatch):
    monkeypatch.setattr(exporter, "convert", refuse_conversion)
    with locked(source.folder):
        with pytest.raises(ValueError, match="being written by another command"):
            export_tflite(source, Form(), images)
        with pytest.raises(ValueError, match="being written by another command"):
            export_saved_model(source, Form(), images)


def test_an_export_folder_that_leads_out_of_the_run(source, tmp_path):
    run, outside = tmp_path / "run", tmp_path / "outside"
    outside.mkdir()
    shutil.copytree(source.run.path, run)
    (run / "export").symlink_to(outside)
    with pytest.raises(ValueError, match="export leads to .*outside of"):
        sources.from_run(run)
    assert sources.from_run(run, run / "export").folder == run / "export"


@pytest.mark.parametrize("name", ["model.tflite", "manifest.json", "model.json"])
def test_a_link_in_the_folder_is_replaced(exported, source, images, tmp_path, name):
    folder, outside = tmp_path / "export", tmp_path / "outside"
    shutil.copytree(source.folder, folder)
    (folder / name).rename(outside)
    before = outside.read_bytes()
    (folder / name).symlink_to(outside)
    here = dataclasses.replace(source, folder=folder)
    export_tflite(here, Form(threshold=0.4), images[:2])
    assert outside.read_bytes() == before and not (folder / name).is_symlink()


def command(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "export.tflite", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_command_prints_one_object_and_nothing_else(tiny_run, tmp_path):
    arguments = (f"--run_dir={tiny_run}", "--check_images=2", "--json")
    process = command(*arguments, f"--export_dir={tmp_path}", cwd=tmp_path)
    assert process.stderr == "" and process.returncode == 0
    content = json.loads(process.stdout)
    assert content["file"] == str(tmp_path / "model.tflite")
    assert content["threshold"] == 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--threshold=1.5"], "0 < T <= 1"),
        (["--route=route.json"], "for --variant=fixed"),
        (["--budget_ms=0.8", "--threshold=0.5"], "leave out --threshold"),
        (["--budget_ms=0.8"], "has no latency table"),
    ],
)
def test_a_flag_that_cannot_be_is_one_line(tiny_run, tmp_path, flags, message):
    arguments = (f"--run_dir={tiny_run}", f"--export_dir={tmp_path}", *flags)
    process = command(*arguments, cwd=tmp_path)
    assert process.returncode == 1
    assert message in process.stderr and process.stderr.count("\n") == 1
