"""Precisions side by side: what is said of them."""

import json

import pytest

from benchmarks import precisions
from export import source as sources


@pytest.fixture(scope="module")
def content(tiny_run):
    source = sources.from_run(tiny_run.path)
    images, labels = source.test_images(20)
    calibration = source.calibration_images(32)
    return precisions.measure(source, images, labels, calibration, 2, 1, 1)


def test_int8_is_held_against_float32(content):
    json.dumps(content)
    assert list(content["ms"]) == list(content["bytes"]) == list(precisions.FILES)
    assert all(ms > 0 for ms in content["ms"].values())
    assert content["time_ratio"] == content["ms"]["int8"] / content["ms"]["float32"]
    sizes = content["bytes"]
    assert content["bytes_ratio"] == sizes["int8"] / sizes["float32"]
    assert set(content["accuracy"]) == {"float32", "int8"}
    assert 0.5 < content["same_class"] <= 1 and 0 <= content["same_route"] <= 1
    assert 0 <= content["macs_saved"] < 1


def test_as_people_read_it(content):
    lines = precisions.text(content).splitlines()
    assert lines[0].split() == ["accuracy", "KB", "ms"] and len(lines) == 9
    assert "of 20 images" in lines[6]
