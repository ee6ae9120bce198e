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
    for key in ("accuracy", "same_class", "same_route"):
        assert list(content[key]) == ["float32", "float16", "dynamic", "int8"]
        assert all(0 <= share <= 1 for share in content[key].values())
    assert content["same_class"]["float32"] == content["same_route"]["float32"] == 1
    assert content["same_class"]["int8"] > 0.5
    assert 0 <= content["macs_saved"] < 1


def test_as_people_read_it(content):
    lines = precisions.text(content).splitlines()
    assert lines[0].split() == ["accuracy", *"same class same route KB ms".split()]
    assert len(lines) == 11 and "20 images" in lines[8]
