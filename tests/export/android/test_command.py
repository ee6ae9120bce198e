"""Export for Android: a folder that is whole and checked, or none."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from paths import ROOT
from PIL import Image

from export import source as sources
from export.android import folder as folder_module
from export.checks import parity
from export.graph.form import Form
from export.interpreter import Interpreter
from tfdyn.costs.cost_table import CostTable
from tfdyn.files import whole_folder
from tfdyn.locks import locked

COUNT = 24


@pytest.fixture(scope="module")
def source(tiny_run, tmp_path_factory):
    return sources.from_run(tiny_run.path, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def images(source):
    return source.test_images(COUNT)


@pytest.fixture(scope="module")
def table(source):
    table = CostTable.count(source.model.modules)
    modules = {key: {"cost": row["cost"] / 1e3} for key, row in table.modules.items()}
    return CostTable("ms", modules, {"taken": 0.5, "not_taken": 0.25}, remainder=2.0)


@pytest.fixture(scope="module")
def exported(source, images, table):
    """The folder and what `export` says of it; T is an input."""
    form = Form(threshold=0.7, threshold_input=True)
    return folder_module.export_android(source, form, *images, table=table)


@pytest.fixture
def elsewhere(source, tmp_path):
    return dataclasses.replace(source, folder=tmp_path)


def test_what_is_in_the_folder(exported, source):
    folder, described = exported
    assert folder == source.folder / "android"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.*")} == {
        *("model.tflite", "model.all_branches.tflite", "model.fixed.tflite"),
        *("model.json", "manifest.json", "labels.txt", "README.md"),
        *("inputs.json", "inputs/threshold.raw"),
        *(
            f"inputs/{n}.{e}"
            for n in ("light", "median", "heavy")
            for e in ("raw", "png")
        ),
        *("run_benchmark.sh", "benchmark.txt", ".tfdyn-files"),
    }
    assert os.access(folder / "run_benchmark.sh", os.X_OK)
    assert json.loads((folder / "inputs.json").read_text()) == described
    description = json.loads((folder / "model.json").read_text())
    labels = (folder / "labels.txt").read_text().splitlines()
    assert labels == description["labels"] == [str(digit) for digit in range(10)]
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("model.tflite", "model.all_branches.tflite", "model.fixed.tflite"):
        assert manifest["files"][name]["images"] == COUNT  # They were checked.


def test_each_input_takes_the_route_that_is_said(exported, images, source, table):
    folder, described = exported
    model = Interpreter(folder / "model.tflite")
    threshold = np.fromfile(folder / "inputs" / "threshold.raw", "float32")
    assert threshold == np.float32(0.7) == np.float32(described["threshold"])
    assert (
        described["of"] == COUNT
        and described["trained"]
        and described["threshold_input"]
    )
    for name, row in described["inputs"].items():
        image = np.fromfile(folder / "inputs" / f"{name}.raw", "uint8")
        picture = np.asarray(Image.open(folder / "inputs" / f"{name}.png"))
        np.testing.assert_array_equal(image, picture.flatten())
        np.testing.assert_array_equal(image, images[0][row["index"]].flatten())
        assert row["label"] == str(images[1][row["index"]])
        outputs = model(image=image, threshold=threshold)
        route = np.concatenate(list(row["route"].values()))
        np.testing.assert_allclose(outputs["route"][0], route, atol=1e-6)
        assert row["branches"] == np.count_nonzero(route)
        assert row["macs"] == outputs["macs"][0]
        assert row["predicted"] == str(outputs["probabilities"].argmax())
        # Modules, 2 of the remainder, 0.5 of a gate taken and 0.25 of one that is not.
        gates = 0.25 * len(route) + 0.25 * row["branches"]
        assert row["milliseconds"] == pytest.approx(row["macs"] / 1e3 + 2 + gates)
    times = [row["milliseconds"] for row in described["inputs"].values()]
    assert times == sorted(times)
    assert described["cost_table"] == "The cost table"  # It was read from no file.
    line = "predicted by The cost table, measured on an unknown device\n"
    assert line in (folder / "README.md").read_text()


def test_the_fixed_model_runs_the_most_frequent_route(exported):
    folder, described = exported
    manifest = json.loads((folder / "manifest.json").read_text())
    route = manifest["files"]["model.fixed.tflite"]["route"]
    runs = {name: np.not_equal(weights, 0).tolist() for name, weights in route.items()}
    outputs = Interpreter(folder / "model.fixed.tflite")()
    assert sum(map(sum, runs.values())) == np.count_nonzero(outputs["route"])
    assert 1 / COUNT <= described["fixed_route_share"] <= 1


def test_the_benchmark_runs_each_model_on_each_input(exported):
    folder, _ = exported
    lines = (folder / "benchmark.txt").read_text().splitlines()
    rows = [line.split(" ", 3) for line in lines if line[0] != "#"]
    assert len(rows) == 9 and len({(model, name) for model, name, *_ in rows}) == 9
    for model, name, macs, flags in rows:
        assert float(macs) > 0
        assert f"image:FOLDER/{name}.raw" in flags
        assert ("threshold:FOLDER/threshold.raw" in flags) == (model == "model.tflite")


# The calls that the page makes in Kotlin. In a process of their own: they leave
# accelerators behind that tell of themselves at its end.
CALLS = """
import json, sys
import numpy as np
from ai_edge_litert.compiled_model import CompiledModel

threshold, *raws = sys.argv[1:]
model = CompiledModel.from_file("model.tflite")
(key,) = model.get_signature_list()
make = model.create_input_buffer_by_name
inputs = {name: make(key, name) for name in ("image", "threshold")}
make = model.create_output_buffer_by_name
outputs = {n: make(key, n) for n in ("logits", "probabilities", "macs", "route")}
inputs["threshold"].write(np.array([threshold], "float32"))
for raw in raws:
    inputs["image"].write(np.fromfile(raw, "int8"))  # Kotlin's bytes are signed.
    model.run_by_name(key, inputs, outputs)
    macs = outputs["macs"].read(1, np.float32)
    probabilities = outputs["probabilities"].read(10, np.float32)
    print(json.dumps([*macs.tolist(), *probabilities.tolist()]))
"""


def test_the_calls_on_the_page(exported):
    folder, described = exported
    raws = [f"inputs/{name}.raw" for name in described["inputs"]]
    command = [sys.executable, "-c", CALLS, str(described["threshold"]), *raws]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    for line, row in zip(lines, described["inputs"].values(), strict=True):
        macs, *probabilities = json.loads(line)
        assert macs == row["macs"]
        assert max(probabilities) == pytest.approx(row["probability"], abs=1e-5)


def test_normalised_inputs_over_an_older_folder(source, elsewhere, images, tmp_path):
    with whole_folder(tmp_path / "android") as older:
        (older / "inputs").mkdir(parents=True)
        (older / "inputs" / "older.png").touch()
    form = Form(threshold=0.7, preprocess=False)
    folder, described = folder_module.export_android(
        elsewhere, form, *images, "float16"
    )
    assert not (folder / "inputs" / "older.png").exists()
    row = described["inputs"]["heavy"]
    assert "milliseconds" not in row
    normalized = source.input_format.normalize(images[0][row["index"]])
    raw = np.fromfile(folder / "inputs" / "heavy.raw", "float32")
    np.testing.assert_array_equal(raw, normalized.flatten())
    assert not (folder / "inputs" / "threshold.raw").exists()
    assert "FloatArray" in (folder / "README.md").read_text()


@pytest.mark.parametrize("name", ["build.gradle", "README.md", "inputs/mine.png"])
def test_a_folder_of_another_is_not_replaced(elsewhere, images, tmp_path, name):
    path = tmp_path / "android" / name
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(ValueError, match="android holds .*choose another"):
        folder_module.export_android(elsewhere, Form(threshold=0.7), *images)
    assert path.exists()


def test_one_export_at_a_time(elsewhere, images):
    with locked(elsewhere.folder):
        with pytest.raises(ValueError, match="being written by another command"):
            folder_module.export_android(elsewhere, Form(threshold=0.7), *images)


def test_a_model_that_fails_its_check_leaves_nothing(
    elsewhere, images, tmp_path, monkeypatch
):
    strict = parity.Tolerance(-1.0, 1.0, 1e-4)
    monkeypatch.setitem(parity.TOLERANCES, "float32", strict)
    with pytest.raises(ValueError, match="Logits differ"):
        folder_module.export_android(elsewhere, Form(threshold=0.7), images[0][:2])
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_looked_at_before_anything_is_converted(
    source, images, table, monkeypatch
):
    monkeypatch.setattr(folder_module, "export_tflite", None)
    macs = CostTable.count(source.model.modules)
    with pytest.raises(ValueError, match="table in ms, as .*; got one in macs"):
        folder_module.export_android(source, Form(), *images, table=macs)
    with pytest.raises(ValueError, match="lacks stem"):
        other = CostTable("ms", {"KEY": {"cost": 1.0}})
        folder_module.export_android(source, Form(), *images, table=other)


@pytest.mark.slow
def test_the_command(tiny_run, tmp_path):
    process = subprocess.run(
        [sys.executable, "-m", "export.android", f"--run_dir={tiny_run}", "--json"]
        + ["--check_images=2", f"--export_dir={tmp_path}"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert process.stderr == "" and process.returncode == 0
    content = json.loads(process.stdout)
    assert content["folder"] == str(tmp_path / "android")
    assert content["of"] == 2 and content["threshold"] == 0.8
    assert list(tmp_path.iterdir()) == [tmp_path / "android"]
