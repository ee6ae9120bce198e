"""The laws of routes: one network, one result, however its branches are run."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import IMAGES, assert_same, make, random_route, run, sharpen

from tfdyn.layers import execution


@pytest.fixture(scope="module")
def model():
    return sharpen(make(num_cells=3))


@pytest.mark.parametrize("threshold", [0.5, 0.9, 1.0])
def test_dense_is_dispatched_on_the_models_own_route(model, threshold):
    outputs = run(model, IMAGES, threshold=threshold)
    assert len(np.unique(np.stack(list(outputs["route"].values())) > 0)) == (
        1 if threshold == 1 else 2
    )
    by = execution.dispatched
    assert_same(run(model, IMAGES, threshold=threshold, by=by), outputs)


@pytest.mark.parametrize("seed", range(3))
def test_dense_is_dispatched_on_random_routes(model, seed):
    route = random_route(model, seed)
    outputs = run(model, IMAGES, route=route)
    by = execution.dispatched
    assert_same(run(model, IMAGES, route=route, by=by), outputs)
    assert_same(outputs["route"], route)


def test_dense_is_dispatched_in_a_graph_of_any_batch_size(model):
    def function(images, threshold):
        return model(images, threshold=threshold)

    specs = [tf.TensorSpec((None, 8, 8, 1)), tf.TensorSpec(())]
    graph = tf.function(function, input_signature=specs)
    run(graph, IMAGES[:1], 0.5, by=execution.dispatched)
    for rows, threshold in ((6, 0.5), (2, 1.0)):
        images = IMAGES[:rows]
        assert_same(graph(images, threshold), run(model, images, threshold=threshold))


def test_the_returned_route_is_what_was_run(model):
    outputs = run(model, IMAGES, threshold=0.5)
    assert_same(run(model, IMAGES, route=outputs["route"]), outputs)


def test_a_given_route_bypasses_the_routers():
    model = sharpen(make(num_nodes=1))
    before, route = run(model, IMAGES), random_route(model, 0)
    routed = run(model, IMAGES, route=route)
    for cell in model.cells:
        for weight in cell.router.trainable_weights:
            weight.assign(-weight + 1.0)
    after = run(model, IMAGES)
    assert (abs(after["logits"] - before["logits"]) > 1e-3).any()
    assert_same(run(model, IMAGES, route=route), routed, atol=0)


def test_a_larger_threshold_is_never_less_work():
    # In one cell: what a later one chooses depends on what those before it ran.
    model = sharpen(make(num_cells=1, num_nodes=4), scale=5.0)
    routes = [
        run(model, IMAGES, threshold=threshold)["route"]
        for threshold in (0.01, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99, 1.0)
    ]
    macs = np.stack([model.route_cost.total(route) for route in routes])
    assert (np.diff(macs, axis=0) >= 0).all()
    assert len(np.unique(macs)) > len(routes)


def test_threshold_one_runs_all_branches(model):
    route = run(model, IMAGES, threshold=1.0)["route"]
    assert all((weights > 0).all() for weights in route.values())
    total = model.route_cost.fixed + model.route_cost.all_branches
    np.testing.assert_allclose(model.route_cost.total(route), total, rtol=1e-6)


def test_threshold_may_differ_from_connection_to_connection(model):
    thresholds = [1.0 if index % 3 else 1e-6 for index in range(len(model.mixed_ops))]
    route = run(model, IMAGES, threshold=thresholds)["route"]
    for op, threshold in zip(model.mixed_ops, thresholds, strict=True):
        ran = (route[op.name] > 0).sum(axis=-1)
        np.testing.assert_array_equal(ran, 5 if threshold == 1 else 1)
    with pytest.raises(ValueError, match="each of the 12 connections; got 5"):
        model(IMAGES, threshold=[0.5] * 5)
