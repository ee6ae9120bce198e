"""Manifests: a file's entry beside those of others, and what an app must know."""

import dataclasses
import json

import pytest

from export import manifest
from export import source as sources
from export.graph.form import Form
from tfdyn.files import write_json


@pytest.fixture
def source(tiny_run, tmp_path):
    return sources.from_run(tiny_run.path, tmp_path)


def read(source, name="manifest.json"):
    return json.loads((source.folder / name).read_text())


def write(source, *arguments):
    manifest.write(source, *arguments, folder=source.folder)


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


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', "{}"])
def test_what_is_no_manifest_is_not_written_over(source, text):
    (source.folder / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match="not a manifest.*--export_dir"):
        write(source, Form(), "model.tflite", {})
    assert (source.folder / "manifest.json").read_text() == text


def test_accuracy_and_macs_are_those_at_its_threshold(source, tmp_path):
    full = {"accuracy": 0.9, "macs": 100, "params": 10}
    rows = [{"threshold": t, "accuracy": t, "macs_mean": 100 * t} for t in (0.5, 0.8)]
    content = {"dataset": "digits", "all_branches": full, "routed": rows}
    write_json(tmp_path / "evaluation.json", content)
    source = dataclasses.replace(source, run=tmp_path)
    found = manifest.describe(source, Form(threshold=0.8))
    assert (found["accuracy"], found["macs"]) == (0.8, 80)
    assert found["all_branches"] == full and found["dataset"] == "digits"
    other = manifest.describe(source, Form(threshold=0.7, preprocess=False))
    assert other["accuracy"] is None
    assert other["input"]["dtype"] == "float32"
