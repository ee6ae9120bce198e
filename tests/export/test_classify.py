import json
import os
import shutil
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
import tiny_networks
from paths import ROOT
from PIL import Image

from export import classify
from export.classification import newest_model
from export.graph import trace
from export.graph.convert import convert
from export.graph.form import Form
from export.manifest import describe
from export.source import Source
from tfdyn import commands
from tfdyn.data.image_files import load_square
from tfdyn.data.input_format import InputFormat
from tfdyn.temporary import READY
from tfdyn.text import readable

FORMAT = InputFormat(("cat", "sea horse", "fox"), (8, 8, 3), (0.4,) * 3, (0.25,) * 3)


@pytest.fixture(scope="session")
def model():
    keras.utils.set_random_seed(0)  # Before the seed that every test has.
    network = tiny_networks.make(input_shape=(8, 8, 3), num_cells=1)
    return tiny_networks.sharpen(network)


@pytest.fixture(scope="session")
def place(model, tmp_path_factory):
    """A folder with pictures and `runs/tiny/`, exported with T as an input."""
    folder = tmp_path_factory.mktemp("place")
    export = folder / "runs" / "tiny" / "export"
    export.mkdir(parents=True)
    (folder / "runs" / "tiny" / "model.keras").touch()
    form = Form(threshold=0.5, threshold_input=True)
    content = convert(trace.gated(model, FORMAT, form))
    (export / "model.tflite").write_bytes(content)
    (export / "cut.tflite").write_bytes(content[:1000])
    content = describe(Source("tiny", model, FORMAT, None, export), form)
    (export / "model.json").write_text(json.dumps(content))
    generator = np.random.default_rng(0)
    for index, name in enumerate(["a.png", "b c.jpg", "d.gif"]):
        pixels = generator.integers(0, 256, (9 + index, 12, 3), "uint8")
        Image.fromarray(pixels).save(folder / name)
    (folder / "text.png").write_text("no picture")
    return folder


def keras_outputs(model, path, threshold):
    """Probabilities by label, and MACs, of a picture in Keras."""
    images = FORMAT.normalize(load_square(path, 8))[None]
    outputs = tiny_networks.run(model, images, threshold=threshold)
    powers = np.exp(outputs["logits"][0])
    macs = float(model.route_cost.total(outputs["route"])[0])
    return dict(zip(FORMAT.class_names, powers / powers.sum(), strict=True)), macs


def assert_as_in_keras(row, model, path, threshold, top):
    probabilities, macs = keras_outputs(model, path, threshold)
    best = sorted(probabilities, key=probabilities.get, reverse=True)[:top]
    assert [one["label"] for one in row["classes"]] == best
    for one in row["classes"]:
        assert one["probability"] == pytest.approx(
            probabilities[one["label"]], abs=1e-5
        )
    assert row["macs"] == macs and row["milliseconds"] > 0


@pytest.fixture
def run(place, monkeypatch):
    """A function that runs the command in `place`, in this process."""

    def main(*paths, **changes):
        flags = {"model": None, "threshold": None, "top": 3, "num_threads": 1}
        values = types.SimpleNamespace(**{**flags, "json": False, **changes})
        monkeypatch.setattr(classify, "FLAGS", values)
        monkeypatch.setattr(commands, "FLAGS", values)
        monkeypatch.setattr(commands, "only_number", lambda name: values.threshold)
        monkeypatch.chdir(place)
        classify.main(list(paths))

    return main


def command(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "export.classify", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
    )


def test_the_command_prints_one_json_object_and_nothing_else(place, model):
    done = command(place, "a.png", "b c.jpg", "--json", "--top=2", "--threshold=0.3")
    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads(done.stdout)
    assert content["model"] == "runs/tiny/export/model.tflite"
    assert [row["picture"] for row in content["pictures"]] == ["a.png", "b c.jpg"]
    for row in content["pictures"]:
        assert_as_in_keras(row, model, place / row["picture"], 0.3, 2)


def test_an_error_is_one_line_even_where_litert_has_spoken(place, tmp_path):
    shutil.copy(place / "runs/tiny/export/model.tflite", tmp_path)
    done = command(tmp_path, "--model=model.tflite", str(place / "a.png"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: There is no model.json")
    assert done.stderr.count("\n") == 1


def test_a_line_for_each_picture(run, place, model, capsys):
    run("a.png", "b c.jpg", "d.gif", top=1)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "classified by runs/tiny/export/model.tflite"
    assert len({len(line) for line in lines}) == 1  # They are a table.
    for name, line in zip(["a.png", "b c.jpg", "d.gif"], lines, strict=True):
        probabilities, macs = keras_outputs(model, place / name, 0.5)
        best = max(probabilities, key=probabilities.get)
        assert line.startswith(f"{name} ") and line.endswith(" ms")
        assert f" {best} " in line and f" {readable(macs)} MACs " in line
        assert f" {100 * probabilities[best]:.1f} % " in line
        assert sum(label in line for label in FORMAT.class_names) == 1


def test_a_named_model_is_not_said_again(run, capsys):
    run("a.png", model="runs/tiny/export/model.tflite", top=9)
    (line,) = capsys.readouterr().out.splitlines()
    assert all(label in line for label in FORMAT.class_names)


@pytest.mark.parametrize(
    ("paths", "changes", "message"),
    [
        ([], {}, "No image file was named"),
        (["a.png", "gone.png"], {}, "There is no file gone.png"),
        (["runs"], {}, "runs is a folder; a file is expected"),
        (["a.png"], {"model": "runs"}, "runs is a folder; a file is expected"),
        (["text.png"], {}, "text.png cannot be decoded as a"),
        (["a.png"], {"model": "gone.tflite"}, "There is no file gone.tflite"),
        (
            ["a.png"],
            {"model": "runs/tiny/export/cut.tflite"},
            "cut.tflite is truncated",
        ),
        (["a.png"], {"threshold": 2.0}, "0 < T <= 1"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_user_can_mend(run, capsys, paths, changes, message, as_json):
    changes = {"model": "runs/tiny/export/model.tflite", **changes}
    with pytest.raises(ValueError, match=message):
        run(*paths, **changes, json=as_json)
    assert capsys.readouterr().out == ""


def test_an_image_that_cannot_be_read_does_not_hide_those_before_it(run, capsys):
    with pytest.raises(ValueError, match="text.png cannot be decoded"):
        run("a.png", "text.png", model="runs/tiny/export/model.tflite")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("a.png ")


def test_the_newest_finished_run_that_is_exported(tmp_path):
    with pytest.raises(ValueError, match="No finished run.*export.tflite.*--model"):
        newest_model(tmp_path)
    exported = {"old": 1, "new": 2, "newer_not_exported": 3, "newest_not_finished": 4}
    for name, age in exported.items():
        (tmp_path / name / "export").mkdir(parents=True)
        if name != "newer_not_exported":
            (tmp_path / name / "export" / "model.tflite").touch()
        if name != "newest_not_finished":
            (tmp_path / name / "model.keras").touch()
            os.utime(tmp_path / name / "model.keras", (age, age))
    # Age is that of the run, not of its export.
    os.utime(tmp_path / "old" / "export" / "model.tflite", (9, 9))
    assert newest_model(tmp_path) == tmp_path / "new/export/model.tflite"


def test_a_newest_run_whose_first_export_was_killed(tmp_path):
    ready = tmp_path / "new" / "export" / f"{READY}1"
    ready.mkdir(parents=True)
    (ready / "model.tflite").touch()
    (tmp_path / "new" / "model.keras").touch()
    assert newest_model(tmp_path) == tmp_path / "new/export/model.tflite"
