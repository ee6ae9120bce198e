"""Android inputs: which images are light, median and heavy."""

import numpy as np
import pytest
from tiny_settings import tiny_settings

from export import source as sources
from export.android import inputs as android_inputs
from export.android.inputs import Inputs
from export.graph.form import Form
from export.graph.trace import macs


@pytest.fixture(scope="module")
def source():
    return sources.untrained(tiny_settings(num_nodes=2), "tiny")


@pytest.fixture(scope="module")
def images(source):
    return source.test_images(5)[0]


def inputs_of(source, images, form=None, labels=None):
    cost = android_inputs.cost_of(source.model)
    return Inputs(source, form or Form(threshold=0.8), images, labels, cost)


def play(source):
    """A model of which as many MixedOps run all branches as the first pixel says."""
    size = sum(len(op.branches) for op in source.model.mixed_ops)

    def interpreter(image, **_):
        route = (np.arange(size) < 2 * image.flat[0]).astype("float32")[None]
        fixed, branches = macs(source.model)
        cost = fixed + np.sum(branches * route)
        probabilities = np.eye(10, dtype="float32")[3:4]
        return {"route": route, "macs": [cost], "probabilities": probabilities}

    return interpreter


def test_they_are_chosen_by_the_cost_of_their_routes(source, images):
    images = np.array(images)
    images[:, 0, 0, 0] = [2, 4, 1, 0, 3]
    inputs = inputs_of(source, images, labels=np.arange(5))
    all_routes = inputs.routes(play(source))
    assert all_routes.sum(axis=1).tolist() == [4, 8, 2, 0, 6]
    indices = inputs.choose(all_routes)
    assert indices == {"light": 3, "median": 0, "heavy": 1}
    content = inputs.describe(play(source), indices)
    assert [row["branches"] for row in content["inputs"].values()] == [0, 4, 8]
    assert [row["label"] for row in content["inputs"].values()] == ["3", "0", "1"]
    assert content["inputs"]["light"]["predicted"] == "3"
    assert not content["trained"] and not content["threshold_input"]
    lines = android_inputs.table_text(content).splitlines()
    assert len(lines) == 4 and lines[1].startswith("light ") and "3" in lines[1]


def test_one_image_is_all_three(source, images):
    inputs = inputs_of(source, images[:1])
    indices = inputs.choose(inputs.routes(play(source)))
    assert indices == {"light": 0, "median": 0, "heavy": 0}
    content = inputs.describe(play(source), indices)
    assert content["inputs"]["light"]["label"] is None
    assert "noise" in android_inputs.table_text(content).splitlines()[1]


def test_pixels_less_128_in_int8(source, images):
    form = Form(threshold=0.8, int8_io=True)
    image = inputs_of(source, images, form).tensors(1)["image"]
    assert image.dtype == "int8"
    np.testing.assert_array_equal(image.astype(int) + 128, images[1])


def test_several_thresholds_become_one_input(source, images):
    form = Form(threshold=[0.6, 0.8], threshold_input=True)
    tensors = inputs_of(source, images, form).tensors(1)
    assert tensors["threshold"] == pytest.approx(0.7)
    np.testing.assert_array_equal(tensors["image"], images[1])
