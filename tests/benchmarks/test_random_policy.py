"""Random policies: routes as dear as a router's own, and what they are worth."""

import json
import types

import numpy as np
import pytest
from tiny_networks import IMAGES, make, make_instanas, sharpen

from benchmarks import random_policy


class Data:
    """The images of the tiny networks, with their labels."""

    def __init__(self, labels):
        self.labels = labels

    def batches(self, split, size):
        assert split == "test"
        for i in range(0, len(IMAGES), size):
            yield IMAGES[i : i + size], self.labels[i : i + size]


def source(model, labels):
    return types.SimpleNamespace(
        name="run", model=model, dataset=Data(labels), run=types.SimpleNamespace()
    )


@pytest.fixture(scope="module")
def model():
    return sharpen(make_instanas())


@pytest.fixture(scope="module")
def content(model, request):
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    patch.setattr(random_policy, "load_table", lambda run: (None, None))
    labels = np.argmax(model(IMAGES)["logits"], -1)
    return random_policy.measure(source(model, labels), draws=2, batch_size=4)


def test_routes_of_one_cost_are_compared(content, model):
    json.dumps(content)
    route = model(IMAGES)["route"]
    own = np.asarray(model.route_cost.total(route))
    policies = content["policies"]
    assert policies["the router's"]["accuracy"] == 1
    assert policies["the router's"]["cost"] == pytest.approx(own.mean())
    assert policies["other images'"]["cost"] == pytest.approx(own.mean())
    # Six images' costs are steps, of a module each.
    assert policies["random"]["cost"] == pytest.approx(own.mean(), rel=0.05)
    for row in policies.values():
        assert 0 <= row["lowest"] <= row["accuracy"] <= row["highest"] <= 1
    routes = np.asarray(model.route_spec.flatten(route)) != 0
    assert content["distinct"] == len(np.unique(routes, axis=0)) > 1
    assert content["most_frequent"] >= 1 / len(IMAGES)
    assert content["spread"]["lowest"] == pytest.approx(own.min())
    assert content["spread"]["highest"] == pytest.approx(own.max())


def test_drawn_routes_can_be_run(model):
    uniform = np.random.default_rng(0).random((50, 15))
    for probability in (0.0, 0.3, 1.0):
        routes = random_policy.draw(model, uniform, probability)
        for least, own in zip(
            model.least_branches, model.route_spec.split(routes).values(), strict=True
        ):
            assert (own.sum(axis=1) >= least).all() and set(np.unique(own)) <= {0, 1}
        if probability == 0.0:
            assert routes.sum() == 50 * sum(model.least_branches)
    assert routes.all()


def test_weights_of_others_are_not_known():
    with pytest.raises(ValueError, match="Give the run of a DMNN or an InstaNAS"):
        random_policy.measure(source(make(), None))


def test_as_people_read_it(content):
    head, _, titles, *rows = random_policy.text(content).splitlines()
    assert head == "run, 6 test images" and titles.split()[-1] == "macs"
    assert rows[0].startswith("the router's") and "100.00 %" in rows[0]
    assert "routes differ" in rows[-2] and "median" in rows[-1]


def test_an_untrained_network_has_no_routes_to_judge(model):
    untrained = types.SimpleNamespace(name="tiny, untrained", model=model, run=None)
    with pytest.raises(ValueError, match="name a trained run with --run_dir"):
        random_policy.measure(untrained)
