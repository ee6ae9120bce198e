"""A wrapped model beside the original's own file."""

import json

import keras
import numpy as np
import pytest

import tfdyn
from benchmarks import wrapped
from benchmarks.plain_resnet import resnet
from export import source as sources
from tfdyn.costs import complexity
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError

INPUT_FORMAT = InputFormat(tuple("0123456789"), (16, 16, 3), (0.5,) * 3, (0.2,) * 3)


def test_the_original_s_file_computes_what_keras_computes(tmp_path):
    model = resnet(8, (16, 16, 3))
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), "uint8")
    file = wrapped.load_original(model, INPUT_FORMAT, tmp_path / "o.tflite")
    expected = model(INPUT_FORMAT.normalize(image)[None])
    np.testing.assert_allclose(file(image=image)["outputs"], expected, atol=1e-5)


def test_a_run_beside_its_original(tmp_path):
    original = resnet(8, (16, 16, 3))
    model = tfdyn.wrap(original, exits=1, selection="none", blocks=[])
    source = sources.from_model(model, INPUT_FORMAT, tmp_path)
    content = wrapped.of_run(source, original, 0.01, 2, 1, 1)
    json.dumps(content)
    # At so low a T all images stop at the exit.
    assert content["macs"]["original"] == complexity.macs(original)
    assert content["macs"]["wrapped"] == model.route_cost.fixed
    saved = 1 - content["macs"]["wrapped"] / content["macs"]["original"]
    assert content["macs_saved"] == pytest.approx(saved)
    assert "time saved" in wrapped.text(content)


def test_an_application(monkeypatch):
    def application(weights, input_shape):
        return resnet(14, input_shape)

    monkeypatch.setattr(keras.applications, "Tiny", application, raising=False)
    content = wrapped.of_application("Tiny", 32, 2, 1, 1)
    json.dumps(content)
    assert content["blocks"] == 6 and content["seconds"] > 0
    whole, half = content["all_blocks"], content["half_of_blocks"]
    assert whole["macs_saved"] <= 0  # Routers are a part of it.
    assert 0.3 < half["macs_saved"] < 0.7
    assert "wrapped, converted and checked" in wrapped.text(content)


def test_an_unknown_application():
    with pytest.raises(UserError, match="--application=Nope"):
        wrapped.of_application("Nope", 32, 1, 1, 1)
