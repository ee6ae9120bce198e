"""SavedModels: two signatures that need TensorFlow alone."""

import dataclasses
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from export import source as sources
from export.checks import parity
from export.exporter import export_saved_model
from export.graph.form import Form

SCRIPT = """
import sys
import tensorflow as tf
import numpy as np
with np.load("images.npz") as file:
    images = file["images"]
signatures = tf.saved_model.load("saved_model").signatures
batched = signatures["batched"](images=tf.constant(images))
gated = signatures["gated"](image=tf.constant(images[:1]))
np.testing.assert_allclose(batched["logits"][:1], gated["logits"], atol=1e-4)
np.savez("outputs.npz", **{name: x.numpy() for name, x in batched.items()})
assert not [name for name in sys.modules if name.startswith(("tfdyn", "export"))]
"""


@pytest.fixture(scope="module")
def source(tiny_run, tmp_path_factory):
    return sources.from_run(tiny_run.path, tmp_path_factory.mktemp("export"))


def test_it_runs_with_tensorflow_alone(source, tmp_path):
    images, _ = source.test_images(20)
    path, report = export_saved_model(source, Form(threshold=0.7), images)
    assert report["batched"]["images"] == 20 and report["gated"]["images"] == 16
    path.rename(tmp_path / "saved_model")
    np.savez(tmp_path / "images.npz", images=images)
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    outputs = np.load(tmp_path / "outputs.npz")
    normalized = source.input_format.normalize(images)
    logits, routes = parity.Reference(source.model)(normalized, 0.7)
    np.testing.assert_allclose(outputs["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(outputs["route"], routes, atol=1e-5)


def test_it_takes_the_place_of_an_older_one_whole(source, monkeypatch):
    images, _ = source.test_images(2)
    form = Form(threshold=0.7, threshold_input=True, preprocess=False)
    path, _ = export_saved_model(source, form, images)
    before = sorted(path.rglob("*"))
    strict = parity.Tolerance(-1.0, 1.0, 1e-4)
    monkeypatch.setitem(parity.TOLERANCES, "float32", strict)
    with pytest.raises(ValueError, match="Logits differ"):
        export_saved_model(source, form, images)
    assert sorted(path.rglob("*")) == before
    assert [entry.name for entry in pathlib.Path(source.folder).iterdir()] == [
        path.name
    ]


@pytest.mark.parametrize(
    "name", ["thesis.txt", "variables/thesis.txt", "saved_model.pb"]
)
def test_a_folder_that_it_did_not_make_stays(source, tmp_path, name):
    path = tmp_path / "saved_model" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    here = dataclasses.replace(source, folder=tmp_path)
    with pytest.raises(ValueError, match="did not write.*move it away"):
        export_saved_model(here, Form(threshold=0.7), source.test_images(2)[0])
    assert path.read_text() == "mine"


def test_a_threshold_of_another_length(source, tmp_path):
    here = dataclasses.replace(source, folder=tmp_path)
    with pytest.raises(ValueError, match="one for each of the 2 connections; got 3"):
        export_saved_model(here, Form(threshold=[0.7] * 3), source.test_images(2)[0])
    assert list(tmp_path.iterdir()) == []


def test_the_export_of_another_network_stays(source):
    path, _ = export_saved_model(source, Form(), *source.test_images(4))
    before = sorted(path.rglob("*"))
    weight = source.model.weights[0]
    original = weight.numpy()
    weight.assign(original + 1)
    with pytest.raises(ValueError, match="of another network, or of other weights"):
        export_saved_model(source, Form(), *source.test_images(4))
    weight.assign(original)
    assert sorted(path.rglob("*")) == before
    export_saved_model(source, Form(), *source.test_images(4))
