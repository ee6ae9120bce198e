"""InstaNAS, whole and tiny."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import (
    IMAGES,
    ROWS,
    assert_same,
    make_instanas,
    random_route,
    run,
    sharpen,
)

from export.graph import gating
from tfdyn.families.instanas.phases import PHASES
from tfdyn.families.instanas.policy_loss import PolicyLoss
from tfdyn.families.instanas.search_space import FALLBACK, MODULES
from tfdyn.layers import execution
from tfdyn.runs.precision import dtype_policy

FORMS = {
    "large_kernels": {},
    "residual": {"router": "residual", "router_pool": 2, "normalized_routers": True},
}
STAGE_FIRSTS = [True, False, True]
every_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(scope="module")
def model():
    return sharpen(make_instanas())


def policy_of(route):
    return np.stack(list(route.values()), axis=1)


def random_policies(count, seed=0):
    """From policies of few modules to those of nearly all, each its own share."""
    random = np.random.default_rng(seed)
    shares = random.random((count, 1, 1))
    return (random.random((count, 3, 5)) < shares).astype("float32")


@every_form
def test_outputs(form):
    model = sharpen(make_instanas(**FORMS[form]))
    outputs = run(model, IMAGES)
    assert set(outputs) == {"logits", "route"}
    assert outputs["logits"].shape == (ROWS, 3)
    assert list(outputs["route"]) == [op.name for op in model.mixed_ops]
    policy = policy_of(outputs["route"])
    assert policy.shape == (ROWS, 3, 5) and set(np.unique(policy)) == {0, 1}
    assert 0.3 < policy.mean() < 0.7 and len(np.unique(policy, axis=0)) > 2


def test_the_router_looks_at_the_image_once(model):
    (router,) = [module for module in model.modules if module.kind == "router"]
    logits = np.asarray(router.layer(IMAGES))
    route = run(model, IMAGES)["route"]
    np.testing.assert_array_equal(policy_of(route)[:, 1], logits[:, 1] > 0)


def test_a_larger_threshold_runs_the_same_modules_and_more(model):
    thresholds = ([t, 1, 1] for t in (0.01, 0.5, 1.0))
    first = [
        run(model, IMAGES, threshold=each)["route"]["stage_0_cell_0_modules"]
        for each in thresholds
    ]
    # Without the module that is a fallback in some.
    at = [list(MODULES).index(name) for name in MODULES if name != FALLBACK]
    assert (first[0][:, at] <= first[1][:, at]).all()
    assert (first[1] <= first[2]).all() and (first[2] == 1).all()
    assert 0 < first[1].mean() < 1


def test_t_of_1_runs_all(model):
    route = run(model, IMAGES, threshold=1.0)["route"]
    assert (policy_of(route) == 1).all()


def test_any_policy_makes_a_route_that_every_cell_can_run(model):
    policies = random_policies(10_000)
    route = np.asarray(model.selection.complete(policies))
    none = policies.sum(axis=-1) == 0
    expected = policies.copy()
    at = list(MODULES).index(FALLBACK)
    expected[..., at] = np.maximum(expected[..., at], none & STAGE_FIRSTS)
    np.testing.assert_array_equal(route, expected)
    assert none.any(axis=0).all()  # The draws have such cells.
    assert (route[:, STAGE_FIRSTS].sum(axis=-1) >= 1).all()


@every_form
def test_dense_is_dispatched_is_gated(form):
    model = sharpen(make_instanas(**FORMS[form]))
    drawn = model.selection.complete(random_policies(ROWS, 1))
    drawn = {name: np.asarray(w) for name, w in model.route_of(drawn).items()}
    weighted = random_route(model, 0)

    @tf.function
    def one(image, route):
        with execution.scope(gating.gated):
            return model(image, route=route)["logits"]

    for route in (drawn, weighted, run(model, IMAGES)["route"]):
        expected = run(model, IMAGES, route=route)
        by = execution.dispatched
        assert_same(run(model, IMAGES, route=route, by=by), expected)
        logits = [
            one(IMAGES[part], {name: w[part] for name, w in route.items()})
            for part in (slice(row, row + 1) for row in range(ROWS))
        ]
        assert_same(np.concatenate(logits), expected["logits"])


def test_where_nothing_is_selected_stages_alone_compute(model):
    dense = model.router.chain[-2]
    bias = dense.bias.numpy()
    dense.bias.assign(bias - 1e4)
    try:
        outputs = run(model, IMAGES)
    finally:
        dense.bias.assign(bias)
    features = model.stem(IMAGES)
    for cell in model.cells[::2]:
        names = [branch.name for branch in cell.mixed_op.branches]
        features = cell.mixed_op.branches[names.index(FALLBACK)](features)
    assert_same(outputs["logits"], np.asarray(model.head(features)))
    cost = model.route_cost
    expected = cost.fixed + sum(
        cost.branches[f"stage_{stage}_cell_0_modules"][list(MODULES).index(FALLBACK)]
        for stage in (0, 1)
    )
    np.testing.assert_allclose(cost.total(outputs["route"]), expected)


def test_each_module_is_a_branch(model):
    names = [module.name for module in model.modules if module.kind == "branch"]
    assert len(names) == 3 * 5
    assert names[4] == "stage_0_cell_0/stage_0_cell_0_modules/basic_conv"
    kinds = [module.kind for module in model.modules if module.kind != "branch"]
    assert sorted(kinds) == ["head", "router", "stem"]


@every_form
def test_saving_and_loading_keeps_all(form, tmp_path):
    model = sharpen(make_instanas(**FORMS[form], threshold=0.6))
    model.phase = "router"
    model(IMAGES, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(run(loaded, IMAGES), run(model, IMAGES), atol=0)
    assert loaded.get_config() == model.get_config()
    # What was frozen in a training is none of the model's.
    assert loaded.phase is None and loaded.stem.trainable
    model.phase = None
    for copy in (loaded, model.for_inference()):
        assert len(copy.trainable_weights) == len(model.trainable_weights)


def test_a_network_that_was_saved_before_is_still_the_same():
    config = make_instanas().get_config()
    config.pop("normalized_routers")
    router = make_instanas(**config).router
    assert not router.normalized
    assert len(router.weights) == len(make_instanas().router.weights)


def test_what_the_router_chooses_is_in_the_log_of_the_search():
    model = sharpen(make_instanas())
    for phase in PHASES:
        model.phase = phase
        model.compile("sgd", PolicyLoss(model.route_cost))
        if phase != "router":
            model.compile("sgd")
        labels = np.arange(ROWS) % 3
        logs = model.fit(IMAGES, labels, batch_size=ROWS, verbose=0).history
        assert ("dependence" in logs) == (phase in ("router", "meta_graph"))
    logits = model.router(IMAGES, training=False)
    pairs = np.asarray(model.selection.probabilities(logits))
    assert pairs.shape == (ROWS, 15, 2)
    np.testing.assert_allclose(pairs.sum(axis=-1), 1, rtol=1e-5)
    policy = np.reshape(model.selection(logits), (ROWS, 15))
    runs = pairs[..., 1] > 0.5
    np.testing.assert_array_equal(policy >= runs, True)  # And the fallbacks.


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_trains_its_part_and_freezes_the_other(phase):
    model = sharpen(make_instanas())
    model.phase = phase
    with tf.GradientTape() as tape:
        outputs = model(IMAGES, training=True)
        value = tf.reduce_sum(outputs["logits"] ** 2)
        if phase == "router":
            value += tf.reduce_sum(tf.math.log(outputs["explored"]["probabilities"]))
    weights = model.trainable_weights
    gradients = tape.gradient(value, [weight.value for weight in weights])
    assert all(np.asarray(g).any() for g in gradients if g is not None)
    learnt = {id(w) for w, g in zip(weights, gradients, strict=True) if g is not None}
    router = {id(weight) for weight in model.router.weights}
    moved = {w.path: w.numpy() for w in model.weights if "moving" in w.path}
    run(model, 3 + IMAGES, training=True)
    changed = {
        id(w) in router
        for w in model.weights
        if w.path in moved and (w.numpy() != moved[w.path]).any()
    }
    if phase == "router":
        assert learnt == {id(weight) for weight in model.router.trainable_weights}
        assert changed == {True}
    else:
        assert not learnt & router and changed == {False}
        # Modules that no policy of the batch runs learn nothing.
        assert len(learnt) == len(weights) if phase == "pretrain" else len(learnt)


def test_a_training_without_a_phase_is_an_error():
    with pytest.raises(ValueError, match="set its phase to one of pretrain, router"):
        make_instanas()(IMAGES, training=True)
    with pytest.raises(ValueError, match="one of pretrain.*; got 'search'"):
        make_instanas().phase = "search"


def test_pretraining_drops_modules():
    model = make_instanas()
    model.phase = "pretrain"
    assert (policy_of(run(model, IMAGES, training=True)["route"]) == 1).all()
    model.selection.drop_rate.assign(0.5)
    first, second = (run(model, IMAGES, training=True)["route"] for _ in range(2))
    assert 0.2 < policy_of(first).mean() < 0.8
    assert (policy_of(first) != policy_of(second)).any()


def test_the_router_is_trained_by_what_it_draws_and_a_baseline():
    model = sharpen(make_instanas())
    model.phase = "router"
    outputs = run(model, IMAGES, training=True)
    explored = outputs["explored"]
    inferred = model.selection(outputs["router_logits"])
    np.testing.assert_array_equal(policy_of(outputs["route"]), inferred)
    policy = policy_of(explored["route"])
    np.testing.assert_array_equal(policy, model.selection.complete(explored["policy"]))
    assert (policy != policy_of(outputs["route"])).any()
    for each in (outputs, explored):
        expected = run(model, IMAGES, route=each["route"])
        assert_same(each["logits"], expected["logits"])


def test_policies_are_shuffled_over_the_batch():
    model = sharpen(make_instanas(alpha=1.0), scale=1e6)  # Sure of its choices.
    model.phase = "meta_graph"
    inferred = policy_of(run(model, IMAGES, training=False)["route"])
    shuffled = policy_of(run(model, IMAGES, training=True)["route"])
    assert (inferred != shuffled).any()
    key = lambda policy: sorted(row.tobytes() for row in policy)  # noqa: E731
    assert key(inferred) == key(shuffled)


def test_finetuning_runs_each_image_as_inference_does():
    model = sharpen(make_instanas())
    model.phase = "finetune"
    inferred = run(model, IMAGES, training=False)["route"]
    assert_same(run(model, IMAGES, training=True)["route"], inferred)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_decides_in_float32(policy):
    with dtype_policy(policy):
        model = make_instanas()
    outputs = run(model, IMAGES)
    assert {x.dtype.name for x in keras.tree.flatten(outputs)} == {"float32"}
    inner = model.cells[0](model.stem(IMAGES), np.ones((ROWS, 5), "float32"))
    assert inner.dtype == policy.removeprefix("mixed_")
    route = {name: np.sign(w) for name, w in random_route(model, 0).items()}
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
        ({"router_pool": 0}, "router_pool must be a whole number of at least 1; got 0"),
        ({"router": "small"}, "large_kernels, residual; got 'small'"),
        ({"stages": []}, "at least one; got \\[\\]"),
        ({"stages": [(8, 4)]}, "filters, cells, strides.*got \\[\\[8, 4"),
        ({"stages": [(8, 0, 1)]}, "all above 0"),
        ({"alpha": 2}, "from 0.5 .* to 1"),
        ({"threshold": 1.5}, "0 < T <= 1"),
        ({"threshold": [0.5] * 4}, "each of the 3 connections; got 4"),
    ],
)
def test_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        make_instanas(**changes)


def test_a_route_that_lacks_a_mixed_op_is_an_error(model):
    route = random_route(model, 0)
    route.pop("stage_1_cell_0_modules")
    with pytest.raises(ValueError, match="lacks stage_1_cell_0_modules"):
        model(IMAGES, route=route)
