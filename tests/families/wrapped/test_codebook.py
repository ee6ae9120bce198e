"""Codebooks of wrapped models: a few sets of blocks, of which one is chosen."""

import keras
import numpy as np
import pytest
import tiny_wrapped
from tiny_codebooks import chosen, differ, shake
from tiny_networks import assert_same, run

from tfdyn.families.codebook.codebook import Codebook
from tfdyn.families.wrapped.wrapping import wrap
from tfdyn.layers import execution

IMAGES = tiny_wrapped.images()
COSTS = [0.4, 0.7, 1.0]
# Of the blocks "one", "two" and "three".
BLOCKS = np.asarray([[0, 0, 0], [0, 1, 0], [1, 1, 1]], "float32")
# With an exit behind "one": "one", the shortcut and the branch of "two", "three", end.
WITH_EXIT = np.asarray([[1, 0, 0, 0, 0], [1, 1, 0, 0, 1], [1] * 5], "float32")


def codebook(routes, exits):
    keras.utils.set_random_seed(0)
    model = tiny_wrapped.residual()
    base = wrap(model, exits=exits, exit_filters=4, selection="none")
    return Codebook(base, routes, COSTS, units=4)


@pytest.fixture(scope="module", params=["blocks", "exit"])
def model(request):
    if request.param == "blocks":
        return codebook(BLOCKS, ())
    return codebook(WITH_EXIT, ["one"])


def test_the_last_route_is_the_original(model):
    assert not model.base.routers
    outputs = run(model, IMAGES, threshold=1.0)
    expected = tiny_wrapped.residual()(IMAGES)
    np.testing.assert_allclose(outputs["logits"], expected, atol=1e-5)


def test_it_runs_the_route_that_it_chooses(model):
    shake(model)
    differ(model, IMAGES)
    for threshold in (0.3, 0.9):
        outputs = run(model, IMAGES, threshold=threshold)
        assert chosen(model, threshold, IMAGES).max() < len(model.routes)
        again = run(model, IMAGES, route=outputs["route"])
        assert_same(again, outputs, atol=1e-4)


def test_all_executions_agree_on_its_routes(model):
    rows = model.routes[np.arange(len(IMAGES)) % len(model.routes)]
    route = model.route_spec.split(np.asarray(rows, "float32"))
    dense = run(model, IMAGES, route=route)
    dispatched = run(model, IMAGES, route=route, by=execution.dispatched)
    assert_same(dispatched, dense, atol=1e-4)
