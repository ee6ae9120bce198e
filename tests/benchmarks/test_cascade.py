"""A cascade of plain models: who stops where, and what that costs."""

import json

import keras
import numpy as np
import pytest

from benchmarks.cascade import answers, cascade, measure
from benchmarks.plain_resnet import resnet
from tfdyn.costs import complexity
from tfdyn.data import dataset as datasets

CONFIDENCES = np.array([[0.9, 0.6, 0.8, 0.2], [0.5, 0.95, 0.7, 1.0]])
RIGHT = np.array([[True, False, False, False], [False, True, True, True]])


@pytest.mark.parametrize(
    ("threshold", "accuracy", "macs"),
    [(0.1, 0.25, 10), (0.8, 0.75, 60), (0.85, 1.0, 85), (1.0, 0.75, 110)],
)
def test_images_stop_where_a_model_is_sure(threshold, accuracy, macs):
    assert cascade(CONFIDENCES, RIGHT, [10, 100], threshold) == (accuracy, macs)


def test_measures_models_and_their_cascade():
    models = [resnet(depth, (8, 8, 1)) for depth in (8, 14)]
    dataset = datasets.load("digits")
    content = measure(models, dataset, [0.01], [0.2, 1.0])
    json.dumps(content)
    costs = [complexity.macs(model) for model in models]
    assert [each["macs"] for each in content["alone"]] == costs
    _, whole, least = content["rows"]
    assert whole["macs"] == sum(costs)
    assert whole["accuracy"] == content["alone"][-1]["accuracy"]
    assert least["least_accuracy"] == 0.01 and least["macs"] <= sum(costs)


def test_answers_are_those_of_keras():
    model = resnet(8, (8, 8, 1))
    images = np.random.default_rng(0).normal(size=(5, 8, 8, 1)).astype("float32")
    confidences, right = answers([model], [(images, np.arange(5))])
    scores = np.asarray(keras.ops.softmax(model(images)))
    np.testing.assert_allclose(confidences[0], scores.max(axis=-1), rtol=1e-5)
    assert right[0].tolist() == (scores.argmax(axis=-1) == np.arange(5)).tolist()
