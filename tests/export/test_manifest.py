"""Manifests: a file's entry beside those of others, and what an app must know."""

import dataclasses
import json

import keras
import pytest

from export import manifest
from export import source as sources
from export.graph.form import Form
from tfdyn.files import write_json
from tfdyn.runs.run_folder import RunFolder


@pytest.fixture
def source(tiny_run, tmp_path):
    return sources.from_run(tiny_run.path, tmp_path)


def read(source, name="manifest.json"):
    return json.loads((source.folder / name).read_text())


def write(source, form, name, entry):
    contents = manifest.prepare(source, form, name)
    manifest.write(contents, name, entry, source.folder)
    (source.folder / name).touch()


def test_each_file_has_an_entry_that_the_next_export_replaces(source):
    for name, size in (("a.tflite", 1), ("b.tflite", 2), ("a.tflite", 3)):
        write(source, Form(), name, {"bytes": size})
    files = read(source)["files"]
    assert files == {"a.tflite": {"bytes": 3}, "b.tflite": {"bytes": 2}}
    assert read(source)["versions"]["tensorflow"]


def test_the_description_is_of_the_routed_file(source):
    write(source, Form("fixed", threshold=0.3), "model.fixed.tflite", {})
    assert read(source, "model.json")["threshold"] == 0.3
    write(source, Form(threshold=0.6), "model.tflite", {})
    write(source, Form("fixed", threshold=0.3), "model.fixed.tflite", {})
    assert read(source, "model.json")["threshold"] == 0.6


def test_the_description_has_the_digest_of_every_file(source):
    for name, variant, digest in (
        ("model.fixed.tflite", "fixed", "a"),
        ("model.tflite", "routed", "b"),
        ("model.fixed.tflite", "fixed", "c"),
        ("model.all_branches.tflite", "all_branches", None),  # Of an earlier version.
    ):
        entry = {"sha256": digest} if digest else {}
        write(source, Form(variant, threshold=0.6), name, entry)
    digests = read(source, "model.json")["sha256"]
    assert digests == {"model.fixed.tflite": "c", "model.tflite": "b"}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"files": 3}', "{}", "null", "[" * 100_000], ids=range(6)
)
def test_what_is_no_manifest_is_not_written_over(source, text):
    (source.folder / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match="not a manifest.*--export_dir"):
        manifest.prepare(source, Form(), "model.tflite")


@pytest.mark.parametrize("name", ["model.tflite", "model.json"])
def test_a_file_that_no_export_wrote_is_not_written_over(source, name):
    (source.folder / name).write_text("mine")
    with pytest.raises(ValueError, match=f"{name} was not exported by tfdyn"):
        manifest.prepare(source, Form(), "model.tflite")
    (source.folder / name).unlink()
    write(source, Form("fixed"), "model.fixed.tflite", {})
    (source.folder / "model.tflite").write_text("mine")
    with pytest.raises(ValueError, match="model.tflite was not exported by tfdyn"):
        manifest.prepare(source, Form(), "model.tflite")


def retrain(source, name=None):
    """The same source with other weights."""
    model = keras.models.clone_model(source.model)
    for weight in model.weights:
        weight.assign(weight + 1)
    return dataclasses.replace(source, model=model, name=name or source.name)


@pytest.mark.parametrize("form", [Form("fixed"), Form()])
def test_two_networks_do_not_share_a_folder(source, form):
    write(source, Form(), "model.tflite", {})
    before = read(source), read(source, "model.json")
    name = "model.tflite" if form == Form() else "model.fixed.tflite"
    with pytest.raises(ValueError, match="export of another network.*this is runs/b"):
        manifest.prepare(retrain(source, "runs/b"), form, name)
    assert before == (read(source), read(source, "model.json"))


def test_a_network_that_was_trained_again_replaces_its_file_alone(source):
    write(source, Form(threshold=0.6), "model.tflite", {})
    again = retrain(source)
    write(again, Form(threshold=0.5), "model.tflite", {})
    assert read(source)["network"] == manifest.fingerprint(again)
    assert read(source, "model.json")["threshold"] == 0.5
    write(again, Form("fixed"), "model.fixed.tflite", {})
    with pytest.raises(ValueError, match="or of other weights"):
        manifest.prepare(source, Form(), "model.tflite")


def test_a_run_that_was_moved_is_the_same_network(source):
    write(source, Form(), "model.tflite", {})
    moved = dataclasses.replace(source, name="elsewhere/run")
    write(moved, Form("fixed"), "model.fixed.tflite", {})
    assert len(read(source)["files"]) == 2


def test_accuracy_and_macs_are_those_at_its_threshold(source, tmp_path):
    full = {"accuracy": 0.9, "macs": 100, "params": 10}
    rows = [{"threshold": t, "accuracy": t, "macs_mean": 100 * t} for t in (0.5, 0.8)]
    content = {"dataset": "digits", "all_branches": full, "routed": rows}
    content["examples"] = 4
    write_json(tmp_path / "evaluation.json", content)
    source = dataclasses.replace(source, run=RunFolder(tmp_path))
    description = manifest.describe(source, Form(threshold=0.8))
    assert (description["accuracy"], description["macs"]) == (0.8, 80)
    assert description["all_branches"] == full and description["dataset"] == "digits"
    other = manifest.describe(source, Form(threshold=0.7, preprocess=False))
    assert other["accuracy"] is None
    assert other["input"]["dtype"] == "float32"
