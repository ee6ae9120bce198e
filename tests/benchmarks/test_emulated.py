"""What runs on both processors: the outputs of a file, image by image."""

import os

import numpy as np
import pytest

from benchmarks import emulated
from export import source as sources
from export.exporter import export_tflite
from export.graph.form import Form
from export.interpreter import Interpreter


@pytest.fixture(scope="module")
def path(tiny_run, tmp_path_factory):
    source = sources.from_run(tiny_run.path, tmp_path_factory.mktemp("export"))
    form = Form(threshold=0.5, threshold_input=True)
    return export_tflite(source, form, *source.test_images(4))[0]


def test_outputs_of_each_image(path, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "getppid", lambda: calls.append("mark"))
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), "uint8")
    thresholds = np.float32([0.2, 0.6, 1])
    inputs = {"image": images, "threshold": thresholds}
    outputs = emulated.run(path, inputs)
    assert not calls
    again = emulated.run(path, inputs, again=True)
    assert len(calls) == 6
    interpreter = Interpreter(path)
    for index in range(3):
        row = interpreter(image=images[index], threshold=thresholds[index])
        for name, values in row.items():
            np.testing.assert_array_equal(outputs[name][index], values[0])
            np.testing.assert_array_equal(again[name][index], values[0])
