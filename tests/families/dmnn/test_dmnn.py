"""DMNN, whole and tiny."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import (
    IMAGES,
    ROWS,
    assert_same,
    make_dmnn,
    random_route,
    run,
    sharpen,
)

from export.graph import gating
from tfdyn.families.dmnn.dmnn import DMNN
from tfdyn.families.dmnn.rate_loss import RateLoss
from tfdyn.layers import execution
from tfdyn.runs.precision import dtype_policy

MOBILE = {
    "sub_block": "inverted_residual",
    "stages": [(4, 0.5, 1, 1), (6, 3, 2, 2)],
    "stem": "mobilenet",
    "head_filters": 10,
}
STATIC = {"sub_blocks": 1, "selection": "none"}
FORMS = {
    "bottlenecks": {},
    "inverted_residuals": MOBILE,
    "divided_inputs": {**MOBILE, "stages": [(2, 0.5, 1, 1), (6, 3, 2, 2)]}
    | {"divide_inputs": True},
    "one_sub_block": {"sub_blocks": 1},
    "no_shortcuts": {**MOBILE, "projection": False},
    "three_sub_blocks": {"sub_blocks": 3},
    "no_previous_state": {"previous_state": False},
    "beliefs": {"beliefs": True, "normalized_routers": True},
    "rate_bias": {"rate_bias": 0.01, "beliefs": True},
    "static": STATIC,
}
every_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(scope="module")
def model():
    return sharpen(make_dmnn(category_heads=2))


def test_outputs(model):
    outputs = run(model, IMAGES)
    assert set(outputs) == {"logits", "route"}
    assert outputs["logits"].shape == (ROWS, 3)
    assert list(outputs["route"]) == [op.name for op in model.mixed_ops]
    route = np.stack(list(outputs["route"].values()))
    assert route.shape == (4, ROWS, 2) and set(np.unique(route)) == {0, 1}
    assert 0 < route.mean() < 1 and (route != route[:, :1]).any()


def test_training_tells_what_routers_chose_and_what_they_believe():
    model = make_dmnn(beliefs=True, normalized_routers=True)
    assert {*run(model, IMAGES)} == {"logits", "route"}
    model.selection.noise_scale.assign(0)
    outputs = run(model, IMAGES, training=True)
    assert outputs["belief_logits"].shape == (ROWS, 4, 3)
    probabilities = outputs["choice_probabilities"]
    assert probabilities.shape == (ROWS, 8, 2)
    route = np.concatenate(list(outputs["route"].values()), axis=1)
    np.testing.assert_array_equal(route, probabilities[..., 1] > 0.5)
    outputs = run(model, IMAGES, training=True, route=outputs["route"])
    assert {*outputs} == {"logits", "route"}


def test_a_collapse_is_seen_in_the_log():
    model = make_dmnn(beliefs=True)
    model.compile("sgd", RateLoss(model.route_cost))
    for router in model.routers:
        router.decide.kernel.assign(0 * router.decide.kernel)
    labels = np.arange(ROWS) % 3
    fitted = model.fit(IMAGES, labels, batch_size=ROWS, verbose=0)
    assert fitted.history["dependence"] == pytest.approx([0], abs=1e-5)


def test_training_has_category_logits_and_noise():
    model = make_dmnn(category_heads=2)
    first, second = (run(model, IMAGES, training=True) for _ in range(2))
    assert first["category_logits"].shape == (ROWS, 4, 2)
    assert any((first["route"][name] != w).any() for name, w in second["route"].items())


def test_a_larger_threshold_runs_the_same_sub_blocks_and_more(model):
    routes = [run(model, IMAGES, threshold=[t, 1, 1, 1]) for t in (0.01, 0.5, 1.0)]
    first = [outputs["route"]["stage_0_block_0_sub_blocks"] for outputs in routes]
    assert (first[0] <= first[1]).all() and (first[1] <= first[2]).all()
    assert 0 < first[1].mean() < 1 and (first[2] == 1).all()


@every_form
def test_dense_is_dispatched_is_gated(form):
    model = sharpen(make_dmnn(**FORMS[form]))
    forced = random_route(model, 0)
    for route in (forced, run(model, IMAGES)["route"]):
        expected = run(model, IMAGES, route=route)
        by = execution.dispatched
        assert_same(run(model, IMAGES, route=route, by=by), expected)

        @tf.function
        def one(image, route):
            with execution.scope(gating.gated):
                return model(image, route=route)["logits"]  # noqa: B023

        logits = [
            one(IMAGES[part], {name: w[part] for name, w in route.items()})
            for part in (slice(row, row + 1) for row in range(ROWS))
        ]
        assert_same(np.concatenate(logits), expected["logits"])


def test_a_block_of_which_nothing_runs_passes_its_input_on(model):
    none = {name: 0 * w for name, w in random_route(model, 0).items()}
    outputs = model.stem(IMAGES)
    for block in model.blocks:
        if block.projection:
            outputs = block.projection(outputs)
        outputs = keras.ops.relu(outputs)
    assert_same(
        run(model, IMAGES, route=none)["logits"], np.asarray(model.head(outputs))
    )


def test_a_block_without_expansion_may_divide_its_inputs():
    first, *others = make_dmnn(**FORMS["divided_inputs"]).blocks
    assert [branch.part for branch in first.mixed_op.branches] == [(0, 2), (2, 4)]
    assert first.shortcut == "folded"
    assert [block.shortcut for block in others] == ["projection", "identity"]
    assert not any(b.part for block in others for b in block.mixed_op.branches)


def test_a_network_that_was_saved_before_is_still_the_same():
    config = make_dmnn(**MOBILE).get_config()
    config.pop("divide_inputs")
    first, *_ = DMNN.from_config(config).blocks
    assert first.shortcut == "identity"  # Stem and stage have four channels.
    assert all(branch.expand for branch in first.mixed_op.branches)


def test_one_sub_block_with_routers_runs_a_block_or_not():
    model = sharpen(make_dmnn(sub_blocks=1))
    route = np.stack(list(run(model, IMAGES)["route"].values()))
    assert route.shape == (4, ROWS, 1) and set(np.unique(route)) == {0, 1}
    assert len(model.routers) == 4 and model.route_spec.least_branches == (0,) * 4


@every_form
def test_saving_and_loading_keeps_all(form, tmp_path):
    model = sharpen(make_dmnn(**FORMS[form], threshold=0.6))
    model(IMAGES, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(run(loaded, IMAGES), run(model, IMAGES), atol=0)
    assert loaded.get_config() == model.get_config()
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()


def test_for_inference_is_the_same_without_the_category_heads(model):
    copy = model.for_inference()
    assert copy.category_heads is None and model.category_heads is not None
    assert_same(run(copy, IMAGES), run(model, IMAGES), atol=0)
    assert "category_logits" not in copy(IMAGES, training=True)
    heads = 4 * (32 * 2 + 2)
    assert copy.count_params() == model.count_params() - heads
    assert not any("category" in module.name for module in model.modules)


def test_every_trainable_weight_learns():
    model = make_dmnn(category_heads=2)
    with tf.GradientTape() as tape:
        outputs = model(IMAGES, training=True)
        value = tf.reduce_sum(outputs["logits"] ** 2)
        value += tf.reduce_sum(outputs["category_logits"] ** 2)
        value += sum(tf.reduce_sum(w) for w in outputs["route"].values())
    weights = model.trainable_weights
    gradients = tape.gradient(value, [weight.value for weight in weights])
    learnt = {
        weight.path: gradient is not None and np.isfinite(gradient).all()
        for weight, gradient in zip(weights, gradients, strict=True)
    }
    assert all(learnt.values()), [path for path, good in learnt.items() if not good]
    # Through the hard gates too, open or shut.
    decisions = [router.decide.kernel for router in model.routers]
    for weight, gradient in zip(weights, gradients, strict=True):
        if any(weight is decision for decision in decisions):
            assert np.asarray(gradient).any(axis=0).all()


def test_routers_see_the_state_of_the_one_before():
    plain, connected = make_dmnn(previous_state=False), make_dmnn()
    assert [c.previous_state for c in plain.routers] == [False] * 4
    assert [c.previous_state for c in connected.routers] == [False, *[True] * 3]
    name = "stage_0_block_1_sub_blocks"
    first, second = connected.routers[:2]
    # The first sub-block alone runs, unless the state before says otherwise.
    second.decide.bias.assign([0, 9, 200, 0])
    second.recall.kernel.assign(np.eye(32))
    second.decide.kernel.assign(np.tile([[0.0, 0.0, 0.0, 1.0]], (32, 1)))
    np.testing.assert_array_equal(run(connected, IMAGES)["route"][name][:, 1], 0)
    first.embed.bias.assign(first.embed.bias + 50.0)
    assert (run(connected, IMAGES)["route"][name] == 1).all()


def test_static_twins_run_all_at_any_threshold():
    model = make_dmnn(**STATIC)
    assert not model.routers
    assert not any(module.kind == "router" for module in model.modules)
    for threshold in (0.01, 1.0):
        outputs = run(model, IMAGES, threshold=threshold)
        assert all((weights == 1).all() for weights in outputs["route"].values())
    assert_same(run(model, IMAGES, training=True)["route"], outputs["route"])


def test_plain_keras_trains_and_evaluates():
    labels = np.arange(48) % 2
    images = np.random.default_rng(0).normal(size=(48, 8, 8, 1)).astype("float32")
    images += 2 * labels[:, None, None, None]
    model = make_dmnn(num_classes=2, stages=[(6, 3, 1, 1)])
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    losses = model.fit(images, labels, batch_size=16, epochs=8, verbose=0)
    losses = losses.history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    results = model.evaluate(images, labels, verbose=0, return_dict=True)
    route = model.predict(images, verbose=0)["route"]
    expected = model.route_cost.fixed + np.mean(model.route_cost.expected(route))
    assert results["expected_macs"] == pytest.approx(expected, rel=1e-5)
    assert {"use_sub_block_0", "use_sub_block_1"} < results.keys()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_decides_in_float32(policy):
    with dtype_policy(policy):
        model = make_dmnn(category_heads=2)
    outputs = run(model, IMAGES, training=True)
    assert {x.dtype.name for x in keras.tree.flatten(outputs)} == {"float32"}
    inner = model.blocks[0](model.stem(IMAGES), np.ones((ROWS, 2), "float32"))
    assert inner.dtype == policy.removeprefix("mixed_")
    route = random_route(model, 0)
    by = execution.dispatched
    assert_same(
        run(model, IMAGES, route=route, by=by),
        run(model, IMAGES, route=route),
        atol=0.05,
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": 0}, "num_classes must be a whole number of at least 1; got 0"),
        ({"sub_blocks": 0}, "sub_blocks must be a whole number of at least 1; got 0"),
        ({"sub_block": "basic"}, "bottleneck, inverted_residual; got 'basic'"),
        ({"stem": "large"}, "small; got 'large'"),
        ({"selection": "argmax"}, "none; got 'argmax'"),
        ({"stages": []}, "at least one; got \\[\\]"),
        ({"stages": [(8, 4, 1)]}, "filters, width, blocks, strides.*got \\[\\[8, 4, 1"),
        ({"stages": [(8, 4, 0, 1)]}, "all above 0"),
        ({"threshold": 1.5}, "0 < T <= 1"),
        ({"rate_bias": -0.1}, "rate_bias must be a number from 0 to 1; got -0.1"),
        ({"threshold": [0.5] * 3}, "each of the 4 connections; got 3"),
        ({**STATIC, "category_heads": 2}, "2 categories.*no routers"),
    ],
)
def test_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        make_dmnn(**changes)


def test_a_route_that_lacks_a_mixed_op_is_an_error(model):
    route = random_route(model, 0)
    route.pop("stage_1_block_0_sub_blocks")
    with pytest.raises(ValueError, match="lacks stage_1_block_0_sub_blocks"):
        model(IMAGES, route=route)
