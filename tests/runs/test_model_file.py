"""Model files from anybody: each is refused in one line, before memory is taken."""

import json
import os
import zipfile

import keras
import numpy as np
import pytest
from tiny_networks import make, make_dmnn, make_instanas

from tfdyn.errors import UserError
from tfdyn.runs import model_file


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """The content of the members of a good file."""
    path = tmp_path_factory.mktemp("good") / "model.keras"
    make(num_cells=1, num_nodes=1).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_config(members, **changes):
    config = json.loads(members["config.json"])
    config["config"] |= changes
    return members | {"config.json": json.dumps(config)}


def of_class(members, name, registered="None"):
    config = json.loads(members["config.json"])
    config |= {"class_name": name, "registered_name": registered, "module": "keras"}
    return members | {"config.json": json.dumps(config)}


def without(members, name):
    return {key: value for key, value in members.items() if key != name}


BAD = {
    "no weights": (lambda m: without(m, "model.weights.h5"), "is not a model"),
    "no config": (lambda m: without(m, "config.json"), "is not a model"),
    "another member": (lambda m: m | {"../x": "x"}, "is not a model"),
    "large config": (
        lambda m: m | {"config.json": b" " * 2**23},
        "config.json has 8388608 bytes, more than the 4194304",
    ),
    "deep": (lambda m: m | {"config.json": b"[" * 100_000}, "truncated"),
    "no JSON": (lambda m: m | {"config.json": b"{"}, "truncated"),
    "list": (lambda m: m | {"config.json": b"[]"}, "holds a None, not a model"),
    "text": (lambda m: m | {"config.json": b'"x"'}, "holds a None, not a model"),
    "Lambda": (lambda m: of_class(m, "Lambda"), "holds a Lambda, not a model"),
    "TFSMLayer": (lambda m: of_class(m, "TFSMLayer"), "holds a TFSMLayer, not"),
    "layer": (lambda m: of_class(m, "Stem", "tfdyn>Stem"), "holds a Stem, not"),
    "weights": (lambda m: m | {"model.weights.h5": b"x" * 99}, "truncated"),
    "other network": (lambda m: with_config(m, num_nodes=2), "truncated or not"),
    "no such argument": (lambda m: with_config(m, colour=2), "truncated or not"),
    "cells": (lambda m: with_config(m, num_cells=100_000), "num_cells must be at most"),
    "filters": (lambda m: with_config(m, filters=10**8), "filters must be at most"),
    "text for a number": (lambda m: with_config(m, filters="many"), "truncated or not"),
    "shape": (lambda m: with_config(m, input_shape=[10**6, 10**6, 3]), "input_shape"),
}


@pytest.mark.parametrize("change, message", BAD.values(), ids=BAD)
def test_a_bad_file_is_one_line(members, tmp_path, change, message):
    path = write(tmp_path / "model.keras", change(members))
    with pytest.raises(UserError, match=message) as error:
        model_file.load(path)
    text = str(error.value)
    assert text.startswith(str(path)) and len(text.splitlines()) == 1
    assert "safe_mode" not in text and "\x1b" not in text and len(text) < 600


def test_nothing_is_unpacked_before_its_size_is_known(members, tmp_path, monkeypatch):
    bomb = members | {"config.json": b" " * 2**23}
    path = write(tmp_path / "model.keras", bomb, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**21
    monkeypatch.setattr(zipfile.ZipFile, "read", None)
    with pytest.raises(UserError, match=r"config\.json has 8388608 bytes"):
        model_file.check(path)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_damaged_file_is_found_without_loading_it(members, tmp_path, place):
    path = write(tmp_path / "model.keras", members)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UserError, match="truncated or not"):
        model_file.check(path)


def test_weights_that_are_not_finite(tmp_path):
    model = make(num_cells=1, num_nodes=1)
    kernel = model.trainable_weights[0]
    kernel.assign(np.full(kernel.shape, np.nan, "float32"))
    model.save(tmp_path / "model.keras")
    with pytest.raises(UserError, match="stem.*not finite"):
        model_file.load(tmp_path / "model.keras")


def test_no_ordinary_file(tmp_path):
    os.mkfifo(tmp_path / "model.keras")
    with pytest.raises(UserError, match="is no ordinary file"):
        model_file.check(tmp_path / "model.keras")
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        model_file.check(tmp_path / "folder.keras")


@pytest.mark.parametrize("make", [make, make_dmnn, make_instanas])
def test_good_files_are_read(tmp_path, make):
    model = make()
    model.save(tmp_path / "model.keras")
    loaded = model_file.load(tmp_path / "model.keras")
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert keras.config.dtype_policy().name == "float32"
