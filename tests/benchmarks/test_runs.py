"""Runs side by side: what is said of them."""

import dataclasses
import json

import numpy as np
import pytest

from benchmarks import runs
from export import source as sources


@pytest.fixture(scope="module")
def content(tiny_run):
    one = sources.from_run(tiny_run.path)
    other = dataclasses.replace(one, name="untrained", run=None)
    images = np.zeros((2, *one.input_format.shape), "uint8")
    return runs.measure([one, other], images, rounds=1, loop=2)


def test_all_are_measured_on_the_same_images(content, tiny_run):
    json.dumps(content)
    assert list(content["runs"]) == [str(tiny_run.path), "untrained"]
    first, other = content["runs"].values()
    assert first["ms"] > 0 and first["ms_to_first"] == 1.0
    assert other["ms_to_first"] == pytest.approx(other["ms"] / first["ms"])
    assert other["accuracy"] is None and other["macs_mean"] is None


def test_as_people_read_it(content):
    content["runs"]["untrained"] |= {"accuracy": 0.5, "macs_mean": 1.5e6}
    head, first, other = runs.text(content).splitlines()
    assert head.split() == ["accuracy", "MACs", "ms", "ratio"]
    assert first.split()[-1] == "1.000" and len(first.split()) == 3
    assert other.split()[:4] == ["untrained", "50.00%", "1.50", "M"]
