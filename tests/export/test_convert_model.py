"""One call from a model to a file that an app can use."""

import json

import numpy as np
import pytest

import tfdyn
from export.runtime import Classifier
from export.tflite import convert_model
from tfdyn.data.input_format import InputFormat
from tfdyn.runs.precision import dtype_policy

FORMAT = InputFormat(("cat", "dog", "fox"), (8, 8, 3), (0.5,) * 3, (0.25,) * 3)


@pytest.fixture(scope="module")
def model():
    return tfdyn.build("drnet_tiny", (8, 8, 3), 3, num_cells=1, num_nodes=1)


def test_a_model_becomes_a_file_that_classifies(model, tmp_path):
    path = tmp_path / "new" / "animals.tflite"
    entry = convert_model(model, path, FORMAT, threshold=0.6)
    assert entry["bytes"] == path.stat().st_size and entry["threshold"] == 0.6
    assert entry["same_top1"] == entry["images"] == 32
    names = {file.name for file in path.parent.iterdir()}
    assert names == {"animals.tflite", "model.json", "manifest.json"}
    manifest = json.loads((path.parent / "manifest.json").read_text())
    assert list(manifest["files"]) == ["animals.tflite"]
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), "uint8")
    (label,) = Classifier(path)(image).labels
    logits = model(FORMAT.normalize(image[None]), threshold=0.6)["logits"]
    assert label == FORMAT.class_names[int(np.argmax(logits))]


def test_norms_after_pools_and_several_branches_of_one_kind(tmp_path):
    branches = ("max_pool_3x3_norm", "avg_pool_3x3_norm", *["sep_conv_3x3"] * 2)
    model = tfdyn.build(
        "drnet_tiny", (8, 8, 3), 3, num_cells=1, num_nodes=1, branches=branches
    )
    images = np.random.default_rng(0).normal(size=(32, 8, 8, 3)).astype("float32")
    model(images, training=True)  # The statistics of the norms are no longer 0 and 1.
    entry = convert_model(model, tmp_path / "model.tflite", FORMAT, threshold=0.6)
    assert entry["same_top1"] == entry["images"] == 32


def test_a_path_or_a_format_that_does_not_fit(model, tmp_path):
    with pytest.raises(ValueError, match="must end with .tflite; got .*model.bin"):
        convert_model(model, tmp_path / "model.bin", FORMAT)
    other = InputFormat(("cat", "dog"), (8, 8, 3), (0.5,) * 3, (0.25,) * 3)
    with pytest.raises(ValueError, match="has 3 classes; .* 2 classes"):
        convert_model(model, tmp_path / "model.tflite", other)
    with pytest.raises(ValueError, match="Expected a InputFormat; got None"):
        convert_model(model, tmp_path / "model.tflite", None)
    with pytest.raises(ValueError, match="Expected a RoutedModel; got 'drnet_tiny'"):
        convert_model("drnet_tiny", tmp_path / "model.tflite", FORMAT)
    with pytest.raises(ValueError, match="int8 needs images to calibrate on"):
        convert_model(model, tmp_path / "model.tflite", FORMAT, precision="int8")
    few = np.zeros((31, 8, 8, 3), "uint8")
    with pytest.raises(ValueError, match="at least 32 images; got 31"):
        convert_model(
            model,
            tmp_path / "model.tflite",
            FORMAT,
            precision="int8",
            calibration=few,
        )
    assert not list(tmp_path.glob("*.tflite")) + list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("threshold", [np.float32(0.5), np.array([0.5, 0.75])])
def test_the_policy_of_keras_does_not_matter(tmp_path, threshold):
    path = tmp_path / "animals.tflite"
    with dtype_policy("mixed_float16"):
        settings = {"num_cells": 1, "num_nodes": 1}
        mixed = tfdyn.build("drnet_tiny", (8, 8, 3), np.int64(3), **settings)
        entry = convert_model(mixed, path, FORMAT, threshold)
    assert entry["same_top1"] == 32 and entry["threshold"] == threshold.tolist()


@pytest.mark.parametrize("threshold", [np.float32("nan"), 7, "x", {}, 10**400, 1j])
def test_a_threshold_that_is_none_is_refused(model, tmp_path, threshold):
    with pytest.raises(ValueError, match="A threshold T is a number"):
        convert_model(model, tmp_path / "animals.tflite", FORMAT, threshold)
    assert not list(tmp_path.iterdir())
