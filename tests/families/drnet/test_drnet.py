"""DRNet, whole and tiny."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import IMAGES, ROWS, assert_same, make, run, sharpen

from tfdyn.families.drnet.cell import draw_topology
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.layers import execution
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.runs.precision import dtype_policy

TWO, CHEAP = ("sep_conv_3x3", "skip_connection"), ("avg_pool_3x3", "max_pool_3x3")


@pytest.fixture(scope="module")
def model():
    return sharpen(make(num_cells=3))


@pytest.mark.parametrize("threshold", [0, 0.0, 1.5, [0.5] * 11 + [0.0]])
def test_a_threshold_outside_0_1_is_refused_at_a_call_too(model, threshold):
    with pytest.raises(ValueError, match="0 < T <= 1"):
        model(IMAGES, threshold=threshold)


def test_outputs(model):
    outputs = run(model, IMAGES)
    assert set(outputs) == {"logits", "route"}
    assert outputs["logits"].shape == (ROWS, 3)
    assert list(outputs["route"]) == [op.name for op in model.mixed_ops]
    for weights in outputs["route"].values():
        assert weights.shape == (ROWS, 5)
        np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


def test_for_inference_is_the_same_without_the_auxiliary_head(model):
    copy = model.for_inference()
    assert copy.auxiliary_head is None and model.auxiliary_head is not None
    assert_same(run(copy, IMAGES), run(model, IMAGES), atol=0)
    assert "auxiliary_logits" not in copy(IMAGES, training=True)
    assert copy.count_params() < model.count_params()


def test_training_has_auxiliary_logits_and_all_branches(model):
    model.selection.drop_branch.assign(0.9)
    outputs = run(model, IMAGES, training=True, threshold=0.01)
    model.selection.drop_branch.assign(0.0)
    assert outputs["auxiliary_logits"].shape == (ROWS, 3)
    # The route, which costs are counted on, is from before the drops.
    assert all((weights > 0).all() for weights in outputs["route"].values())


def test_every_trainable_weight_learns():
    model = make(num_nodes=1)
    loss = RoutingLoss(model.route_cost, 0.1)
    with tf.GradientTape() as tape:
        value = loss(np.arange(ROWS) % 3, model(IMAGES, training=True))
    weights = model.trainable_weights
    gradients = tape.gradient(value, [weight.value for weight in weights])
    dead = [
        weight.path
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is None or not np.isfinite(gradient).all()
    ]
    assert not dead


BELIEVING = {"normalized_routers": True, "beliefs": True}


def test_training_tells_what_routers_chose_and_what_they_believe():
    model = make(num_cells=3, temperature=0.5, **BELIEVING)
    route, outputs = (run(model, IMAGES, training=t) for t in (False, True))
    assert {*route} == {"logits", "route"}
    probabilities = outputs["choice_probabilities"]
    assert probabilities.shape == (ROWS, len(model.mixed_ops), 5)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, rtol=1e-5)
    assert outputs["belief_logits"].shape == (ROWS, 3, 3)
    model.selection.noise_scale.assign(0)
    outputs = run(model, IMAGES, training=True)
    probabilities = outputs["choice_probabilities"]
    for index, weights in enumerate(outputs["route"].values()):
        np.testing.assert_allclose(weights, probabilities[:, index], rtol=1e-5)
    outputs = run(model, IMAGES, training=True, route=outputs["route"])
    assert {*outputs} == {"logits", "route", "auxiliary_logits"}


def test_the_papers_routers_believe_nothing(model):
    assert "belief_logits" not in model(IMAGES, training=True)
    without = make(selection="none")
    assert "choice_probabilities" not in without(IMAGES, training=True)


def test_routers_that_believe_learn_and_are_saved(tmp_path):
    model = make(num_nodes=1, **BELIEVING)
    model.compile("sgd", RoutingLoss(model.route_cost, 0.1, dependence_weight=0.1))
    before = [np.array(weight) for weight in model.trainable_weights]
    model.fit(IMAGES, np.arange(ROWS) % 3, batch_size=ROWS, verbose=0)
    for old, weight in zip(before, model.trainable_weights, strict=True):
        assert (old != np.asarray(weight)).any(), weight.path
    sharpen(model).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(run(loaded, IMAGES), run(model, IMAGES), atol=0)
    assert_same(run(loaded, IMAGES, by=execution.dispatched), run(model, IMAGES))


def test_a_collapse_is_seen_in_the_log():
    labels = np.arange(ROWS) % 3
    seen = {}
    for name, scale in (("collapsed", 0.0), ("alive", 40.0)):
        model = sharpen(make(num_nodes=1, num_cells=1), scale)
        model.compile(keras.optimizers.SGD(0.0))
        fitted = model.fit(IMAGES, labels, batch_size=ROWS, verbose=0)
        seen[name] = fitted.history["dependence"][0]
        assert "dependence" not in model.evaluate(
            IMAGES, labels, verbose=0, return_dict=True
        )
    assert seen["collapsed"] == pytest.approx(0, abs=1e-5) and seen["alive"] > 0.1
    static = make(selection="none")
    static.compile("sgd")
    assert "dependence" not in [metric.name for metric in static.metrics]


def test_the_halved_stem_halves_height_and_width():
    stem = make(stem="halved", auxiliary_head=False).stem
    assert [outputs.shape for outputs in stem(IMAGES)] == 2 * [(ROWS, 4, 4, 12)]


@pytest.mark.parametrize("threshold", [0.6, [0.4, 0.6, 0.8, 1.0]])
def test_saving_and_loading_keeps_all(tmp_path, threshold):
    model = sharpen(make(num_nodes=1, threshold=threshold, topology_seed=3))
    model.selection.temperature.assign(0.7)
    model(IMAGES, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(run(loaded, IMAGES), run(model, IMAGES), atol=0)
    assert loaded.get_config() == model.get_config()
    assert float(loaded.selection.temperature.value) == pytest.approx(0.7)


def test_plain_keras_trains_evaluates_and_predicts():
    labels = np.arange(48) % 2
    images = np.random.default_rng(0).normal(size=(48, 8, 8, 1)).astype("float32")
    images += 2 * labels[:, None, None, None]
    model = make(num_classes=2, num_cells=1, num_nodes=1, branches=TWO)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    losses = model.fit(images, labels, batch_size=16, epochs=8, verbose=0)
    losses = losses.history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    results = model.evaluate(images, labels, verbose=0, return_dict=True)
    outputs = model.predict(images, verbose=0)
    accuracy = (outputs["logits"].argmax(axis=1) == labels).mean()
    assert results["accuracy"] == pytest.approx(accuracy)
    cost = model.route_cost
    expected = cost.fixed + np.mean(cost.expected(outputs["route"]))
    assert results["expected_macs"] == pytest.approx(expected, rel=1e-5)
    assert {"use_sep_conv_3x3", "use_skip_connection"} < results.keys()


def test_without_routers():
    model = make(selection="none")
    assert not any(module.kind == "router" for module in model.modules)
    for threshold in (0.1, 1.0):
        outputs = run(model, IMAGES, threshold=threshold)
        for weights in outputs["route"].values():
            np.testing.assert_allclose(weights, 0.2, rtol=1e-6)
        by = execution.dispatched
        assert_same(run(model, IMAGES, threshold=threshold, by=by), outputs)


@pytest.mark.parametrize(
    ("num_cells", "filters"),
    [
        (1, [8]),
        (2, [8, 16]),
        (3, [4, 8, 16]),
        (5, [4, 8, 8, 16, 16]),
        (10, [4, 4, 4, 8, 8, 8, 16, 16, 16, 16]),
    ],
)
def test_width_doubles_at_a_third_and_two_thirds(num_cells, filters):
    model = make(num_cells=num_cells, num_nodes=1, branches=CHEAP)
    assert [cell.filters for cell in model.cells] == filters
    reductions = [cell.reduction for cell in model.cells]
    assert [i for i in range(num_cells) if reductions[i]] == sorted(
        {num_cells // 3, 2 * num_cells // 3}
    )
    previous = [cell.previous_reduction for cell in model.cells]
    assert previous == [False, *reductions[:-1]]
    assert run(model, IMAGES)["logits"].shape == (ROWS, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"input_shape": (7, 7, 1)},
        {"input_shape": (9, 9, 2)},
        {"input_shape": (16, 16, 3), "num_cells": 3},
        {"inputs_per_node": 1},
        {"inputs_per_node": 3, "num_nodes": 3},
        {"input_shape": (64, 64, 3), "stem": "imagenet", "num_cells": 3},
    ],
    ids=str,
)
def test_other_sizes(changes):
    model = make(**{"num_nodes": 1, "branches": TWO, **changes})
    images = np.ones((2, *model.get_config()["input_shape"]), "float32")
    dense = run(model, images, training=True)
    assert dense["logits"].shape == dense["auxiliary_logits"].shape == (2, 3)
    outputs = run(model, images)
    assert_same(run(model, images, by=execution.dispatched), outputs)


KINDS = ("sep_conv_3x3", "sep_conv_3x3", "max_pool_3x3_norm", "skip_connection")
NAMES = ("sep_conv_3x3", "sep_conv_3x3_2", "max_pool_3x3_norm", "skip_connection")


def test_several_branches_of_one_kind(tmp_path):
    model = sharpen(make(num_nodes=1, branches=KINDS))
    assert set(model.route_spec.branches.values()) == {NAMES}
    names = [module.name for module in model.modules]
    assert len(set(names)) == len(names)
    model(IMAGES, training=True)  # The moving statistics of the norms change.
    outputs = run(model, IMAGES)
    assert_same(run(model, IMAGES, by=execution.dispatched), outputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(run(loaded, IMAGES), outputs, atol=0)
    assert loaded.get_config()["branches"] == list(KINDS)
    model.compile(loss=RoutingLoss(model.route_cost, 0.1))
    labels = np.arange(ROWS) % 3
    metrics = model.fit(IMAGES, labels, verbose=0).history
    assert {f"use_{name}" for name in NAMES} < metrics.keys()


def routes(model, **options):
    route = run(model, IMAGES, threshold=0.5, **options)["route"]
    return np.concatenate(list(route.values()), axis=-1)


def test_noise_in_inference_is_an_option():
    model = make(num_nodes=1, temperature=1.0)
    plain = routes(model)
    np.testing.assert_array_equal(routes(model), plain)
    np.testing.assert_array_equal(routes(model, noise=False), plain)
    noisy = routes(model, noise=True)
    assert (noisy != plain).any() and (routes(model, noise=True) != noisy).any()
    # A route is still the fewest branches whose weights sum to T.
    np.testing.assert_allclose(noisy.sum(axis=-1), 4, rtol=1e-5)


def test_the_temperature_in_inference_is_an_option():
    model = make(num_nodes=1, temperature=3.0)
    warm = routes(model)
    cold = routes(model, temperature=0.01)
    assert (warm > 0).sum() > (cold > 0).sum() == ROWS * 4
    model.selection.temperature.assign(0.01)
    np.testing.assert_array_equal(routes(model), cold)


def test_training_without_noise_is_an_option():
    model = make(num_nodes=1)
    np.testing.assert_array_equal(
        routes(model, training=True, noise=False),
        routes(model, training=True, noise=False),
    )


@pytest.mark.parametrize(
    ("selection", "options"),
    [
        ("gumbel_softmax", ("noise", "temperature")),
        ("softmax", ("temperature",)),
        ("none", ()),
    ],
)
def test_options_of_a_call_are_those_that_change_it(selection, options):
    model = make(num_nodes=1, num_cells=1, selection=selection)
    assert model.call_options == options
    changed = {
        name
        for name, value in (("noise", True), ("temperature", 0.01))
        if (routes(model, **{name: value}) != routes(model)).any()
    }
    assert changed == set(options)


def test_topology_is_the_seeds():
    for seed in (0, 1):
        model = make(num_nodes=4, topology_seed=seed, branches=CHEAP)
        topology = draw_topology(4, 2, seed)
        assert all(cell.topology == topology for cell in model.cells)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_decides_in_float32(policy):
    with dtype_policy(policy):
        model = make(num_nodes=1)
    outputs = run(model, IMAGES, training=True)
    assert {x.dtype.name for x in keras.tree.flatten(outputs)} == {"float32"}
    inner = model.cells[0]([model.stem(IMAGES)[0]] * 2, select=model.selection)[0]
    assert inner.dtype == policy.removeprefix("mixed_")
    outputs = run(model, IMAGES, threshold=1.0)
    by = execution.dispatched
    assert_same(run(model, IMAGES, threshold=1.0, by=by), outputs, atol=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_shape": (8, 6, 1)}, "square; got 8x6"),
        ({"input_shape": (3, 3, 1)}, "at least 2x2; got 1x1"),
        ({"num_cells": 0}, "num_cells must be a whole number of at least 1; got 0"),
        ({"filters": -1}, "filters must be a whole number of at least 1; got -1"),
        (
            {"inputs_per_node": 0},
            "inputs_per_node must be a whole number",
        ),
        ({"stem": "large"}, "small, halved, imagenet; got 'large'"),
        ({"selection": "argmax"}, "got 'argmax'"),
        ({"branches": ("sep_conv_9x9",)}, "got sep_conv_9x9"),
        ({"temperature": 0}, "above 0"),
        ({"threshold": 1.5}, "0 < T <= 1"),
        ({"threshold": [0.5] * 3}, "each of the 8 connections; got 3"),
    ],
)
def test_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_a_route_that_lacks_a_mixed_op_is_an_error():
    model = DRNet((8, 8, 1), 10, 1, 4, 1)
    images = np.zeros((1, 8, 8, 1), "float32")
    route = dict(model(images)["route"])
    route.pop("cell_0_node_2_from_1")
    with pytest.raises(ValueError, match="lacks cell_0_node_2_from_1"):
        model(images, route=route)
