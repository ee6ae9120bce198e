"""Codebook: which route runs, and what it computes."""

from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_codebooks import (
    BASES,
    chosen,
    differ,
    random_codebook,
    shake,
    telling_threshold,
)
from tiny_networks import IMAGES, ROWS, assert_same, make, make_dmnn, run

from tfdyn.families.codebook.codebook import Codebook
from tfdyn.families.codebook.loss import CodebookLoss
from tfdyn.layers import execution
from tfdyn.routing.random_routes import random_routes

COSTS = [0.25, 0.5, 0.75, 1.0]
# Four blocks of two sub-blocks. The routes part in blocks 1, 2 and, twice, in 3.
ROUTES = np.asarray(
    [
        [1, 1, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0, 1],
        [1, 1, 1, 0, 1, 1, 0, 1],
        [1, 1, 1, 0, 1, 1, 1, 1],
    ],
    "float32",
)


def make_codebook(**changes):
    base = make_dmnn(selection="none")
    arguments = {"routes": ROUTES, "costs": COSTS, "units": 5}
    return shake(Codebook(base, **{**arguments, **changes}))


@pytest.fixture(scope="module")
def model():
    return make_codebook()


@pytest.fixture(autouse=True)
def undo(request):
    """Puts back the weights of routers that a test has changed."""
    if "model" not in request.fixturenames:
        yield
        return
    model = request.getfixturevalue("model")
    weights = model.get_weights()
    yield
    model.set_weights(weights)


def predict(model, index, probabilities):
    """Makes the router before a part predict these, for all images."""
    decide = model.routers[index].decide
    decide.kernel.assign(0 * decide.kernel)
    p = np.asarray(probabilities, "float32")
    decide.bias.assign(np.log(p / (1 - p)))


def test_routers_stand_where_routes_part(model):
    assert [bool(router) for router in model.routers] == [False, True, True, True]
    kinds = [m.name for m in model.modules if m.kind == "router"]
    assert len(kinds) == 3 and model.binary
    assert model.parts == model.base.parts


@pytest.mark.parametrize("name", BASES)
def test_a_given_route_computes_what_the_routers_choose(name):
    base = BASES[name]()
    codebook = random_codebook(base)
    differ(codebook)
    threshold = telling_threshold(codebook)
    outputs = run(codebook, IMAGES, threshold=threshold)
    for by in (execution.dense, execution.dispatched):
        forced = run(codebook, IMAGES, route=outputs["route"], by=by)
        assert_same(forced, outputs, atol=1e-4)
    # Without corrections it is the base that computes.
    codebook.correction.set_weights([0 * w for w in codebook.correction.get_weights()])
    expected = run(base, IMAGES, route=outputs["route"])["logits"]
    logits = run(codebook, IMAGES, threshold=threshold)["logits"]
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_the_ends_of_the_threshold(model):
    differ(model)
    assert (chosen(model, 1.0) == 3).all()
    for tiny in (1e-3, 1e-12, 1e-44):
        assert (chosen(model, tiny) == 0).all(), tiny


@pytest.mark.parametrize(
    ("threshold", "first", "second", "third", "expected"),
    [
        # lambda = 1: the gains before block 1 are 0.25, 0, -0.05 and -0.05.
        (0.5, [0.5, 0.5, 0.7, 0.95], [0.9] * 4, [0.9] * 4, 0),
        # lambda = 0.25: they are 0.4375, 0.375, 0.5125 and 0.7. So it goes on. Before
        # block 2 they are -, 0.775, 0.7125 and 0.65.
        (0.8, [0.5, 0.5, 0.7, 0.95], [0.9] * 4, [0.9] * 4, 1),
        # It goes on; before block 3 they are -, -, 0.0125 and -0.05, then 0.35.
        (0.8, [0.5, 0.5, 0.7, 0.95], [0.9, 0.2, 0.2, 0.9], [0.99, 0.99, 0.2, 0.2], 2),
        (0.8, [0.5, 0.5, 0.7, 0.95], [0.9, 0.2, 0.2, 0.9], [0.99, 0.99, 0.2, 0.6], 3),
        # What is no longer possible does not count, whatever a router predicts of it.
        (0.8, [0.9, 0.1, 0.1, 0.2], [0.9] * 4, [0.9] * 4, 0),
    ],
)
def test_the_largest_gain_goes_on(model, threshold, first, second, third, expected):
    for index, probabilities in ((1, first), (2, second), (3, third)):
        predict(model, index, probabilities)
    assert (chosen(model, threshold) == expected).all()


def test_each_part_has_its_own_threshold(model):
    for index in (1, 2, 3):
        predict(model, index, [0.4, 0.5, 0.6, 0.7])
    # The router of block 1 goes on, that of block 2 stops.
    assert (chosen(model, [1e-3, 1.0, 1e-3, 1e-3]) == 1).all()
    assert (chosen(model, [1e-3, 1.0, 1.0, 1e-3]) == 2).all()


def test_a_greater_threshold_never_costs_less(model):
    differ(model)
    costs = [
        np.asarray(COSTS)[chosen(model, threshold)]
        for threshold in np.linspace(0.3, 1.0, 29)
    ]
    # Each image, since one router alone decides of routes that are nested.
    assert (np.diff(costs, axis=0) >= 0).all()
    assert len({*np.concatenate(costs).tolist()}) > 2


def test_of_two_that_gain_the_same_the_first_runs():
    routes, costs = ROUTES[[0, 1, 3]], [0.25, 0.5, 1.0]
    codebook = make_codebook(routes=routes, costs=costs)
    # lambda = 1, and each p is 0.125 more than the cost.
    predict(codebook, 1, [0.375, 0.625, 0.5])
    assert (chosen(codebook, 0.5) == 0).all()


def test_corrections_are_zero_at_first_and_of_each_route():
    codebook = Codebook(make_dmnn(selection="none"), ROUTES, COSTS)
    route = codebook.route_spec.split(np.repeat(codebook.routes[1:2], ROWS, axis=0))
    logits = run(codebook, IMAGES, route=route)["logits"]
    expected = run(codebook.base, IMAGES, route=route)["logits"]
    np.testing.assert_array_equal(logits, expected)
    bias = np.arange(12, dtype="float32")
    codebook.correction.classify.bias.assign(bias)
    corrected = run(codebook, IMAGES, route=route)["logits"]
    np.testing.assert_allclose(corrected - logits, [[3, 4, 5]] * ROWS, atol=1e-4)


@pytest.mark.parametrize(
    ("route", "nearest"),
    [
        # Without the branch that none of them runs.
        ([1, 1, 1, 1, 1, 1, 1], 3),
        ([1, 0, 0, 0, 0, 0, 0], 0),
        ([1, 1, 1, 0, 1, 0, 1], 1),  # As far from the third: the first of them.
    ],
)
def test_another_route_has_the_correction_of_the_most_similar_one(
    model, route, nearest
):
    model.correction.classify.kernel.assign(0 * model.correction.classify.kernel)
    model.correction.classify.bias.assign(np.arange(12, dtype="float32"))
    route = model.route_spec.split(np.repeat([route], ROWS, axis=0).astype("float32"))
    added = run(model, IMAGES, route=route)["logits"]
    added -= run(model.base, IMAGES, route=route)["logits"]
    expected = 3 * nearest + np.arange(3)
    np.testing.assert_allclose(added, [expected] * ROWS, atol=1e-4)


def test_routes_that_are_nearly_the_same_have_their_own_corrections():
    base = make()
    (route,) = random_routes(base.route_spec, 1, 1.0)
    near = np.array(route)
    near[0] += 1e-4
    codebook = Codebook(base, [route, near], [0.9, 1.0])
    codebook.correction.classify.bias.assign([0, 0, 0, 1, 1, 1])
    forced = base.route_spec.split(np.repeat(codebook.routes[1:], ROWS, axis=0))
    added = run(codebook, IMAGES, route=forced)["logits"]
    added -= run(base, IMAGES, route=forced)["logits"]
    np.testing.assert_allclose(added, np.ones((ROWS, 3)), atol=1e-4)


@pytest.mark.parametrize("name", BASES)
def test_a_training_step_computes_all_routes(name):
    base = BASES[name]()
    codebook = random_codebook(base)
    differ(codebook)
    for layer in codebook._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False  # It then computes as in inference.
    outputs = run(codebook, IMAGES, threshold=0.7, training=True)
    assert outputs["route_logits"].shape == (ROWS, 3, 3)
    for index, route in enumerate(codebook.routes):
        forced = base.route_spec.split(np.repeat(route[None], ROWS, axis=0))
        logits = run(codebook, IMAGES, route=forced)["logits"]
        ours = outputs["route_logits"][:, index]
        np.testing.assert_allclose(ours, logits, rtol=1e-3, atol=1e-3)
    # It also says what inference would choose.
    inference = run(codebook, IMAGES, threshold=0.7)
    assert_same({k: outputs[k] for k in inference}, inference, atol=1e-3)
    forks = sum(map(len, codebook.tree.forks))
    assert outputs["choice_logits"].shape == (ROWS, forks, 3)
    assert outputs["belief_logits"].shape == (ROWS, forks, 3)


def test_no_gradient_of_what_routers_predict_reaches_the_features(model):
    base = [w for w in model.base.trainable_weights if "stem" in w.path]
    belief = [r.beliefs.classify.kernel for r in model.routers if r]
    kernels = [r.decide.kernel for r in model.routers if r]
    with tf.GradientTape(persistent=True) as tape:
        outputs = model(IMAGES, training=True)
        choices = tf.reduce_sum(outputs["choice_logits"])
        beliefs = tf.reduce_sum(outputs["belief_logits"][..., 0])
    values = [w.value for w in (*base, *belief)]
    assert base and all(g is None for g in tape.gradient(choices, values))
    assert all(
        g is not None for g in tape.gradient(choices, [w.value for w in kernels])
    )
    for gradient in tape.gradient(beliefs, values[: len(base)]):
        assert gradient is not None


def test_short_routes_train_less_what_they_share_with_the_last_one():
    gradients, weights = [], make_codebook().get_weights()
    for share in (1.0, 0.25):
        model = make_codebook(trunk_gradient=share)
        model.set_weights(weights)
        stem = model.base.stem.trainable_weights[0].value
        # The first block that only route 1 to 3 run, before the second of them parts.
        last = model.base.blocks[1].trainable_weights[0].value
        with tf.GradientTape(persistent=True) as tape:
            logits = model(IMAGES, training=True)["route_logits"]
            sums = [tf.reduce_sum(logits[:, index, 0]) for index in range(4)]
        gradients.append([tape.gradient(each, [stem, last]) for each in sums])
    for index, (whole, part) in enumerate(zip(*gradients, strict=True)):
        factor = 1.0 if index == 3 else 0.25
        scale = np.abs(whole[0]).max()
        assert scale > 1e-6  # Each route reads what the stem computes.
        assert (np.abs(whole[1]).max() > 1e-6) == (index > 0)
        for one, other in zip(whole, part, strict=True):
            np.testing.assert_allclose(other / scale, factor * one / scale, atol=1e-3)


def test_saved_and_loaded(model, tmp_path):
    differ(model)
    model.threshold = [0.6, 0.7, 0.8, 0.9]
    expected = run(model, IMAGES)
    model.save(tmp_path / "codebook.keras")
    loaded = keras.saving.load_model(tmp_path / "codebook.keras")
    assert_same(run(loaded, IMAGES), expected)
    assert loaded.threshold == model.threshold
    model.threshold = 0.9
    assert loaded.get_config().keys() == model.get_config().keys()
    copy = Codebook.from_config(model.get_config())
    assert copy.base is not model.base and copy.costs.tolist() == COSTS
    np.testing.assert_array_equal(copy.routes, model.routes)
    assert copy.arguments["routes"] == ROUTES.tolist()
    assert_same(run(model.for_inference(), IMAGES), run(model, IMAGES))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"routes": [], "costs": []}, "needs one route or more"),
        ({"routes": ROUTES[0]}, "needs one route or more"),
        ({"costs": COSTS[:3]}, "a cost for each"),
        ({"costs": [0.2, 0.5, 0.5, 1.0]}, "must rise"),
        ({"costs": [0.0, 0.5, 0.7, 1.0]}, "must rise from above 0"),
        ({"costs": [0.2, 0.5, 0.7, 1.1]}, "must rise from above 0 to 1"),
        ({"routes": [ROUTES[0]] * 65, "costs": np.linspace(0.01, 1, 65)}, "at most 64"),
        ({"costs": [0.2, 0.5, float("nan"), 1.0]}, "must rise"),
        ({"costs": [0.2, 0.5, 0.7, float("inf")]}, "must rise"),
        ({"routes": ROUTES[[0, 1, 1, 3]]}, "no route twice; leave out route 3"),
        ({"routes": 0.5 * ROUTES}, "needs weights 0 or 1"),
        ({"routes": ROUTES[:, :6]}, "has 8 weights"),
        ({"routes": [[1]] * 4}, "has 8 weights"),
        ({"units": 0}, "units must be"),
        ({"threshold": [0.5, 0.5]}, "one for each of the 4"),
    ],
)
def test_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        Codebook(
            make_dmnn(selection="none"),
            **{"routes": ROUTES, "costs": COSTS, **changes},
        )


def test_one_route_is_a_network_without_routers():
    model = make_codebook(routes=ROUTES[-1:], costs=[1.0])
    assert not any(model.routers)
    model.compile("sgd", CodebookLoss([]))
    assert np.isfinite(model.train_on_batch(IMAGES, np.zeros(len(IMAGES)))).all()
    routes = model.route_spec.flatten(model(IMAGES, threshold=0.1)["route"])
    np.testing.assert_array_equal(routes, [model.routes[0]] * len(IMAGES))
    whole, spec = model.unpruned(model.routes)
    np.testing.assert_array_equal(whole, ROUTES[-1:])
    assert spec == make_dmnn().route_spec


def test_what_no_route_runs_is_not_there():
    # DRNet: cell_0_node_2_from_0 runs branch 4 or 1, the others branch 2 alone.
    base = make(num_cells=1, num_nodes=1)
    names = base.route_spec.branches
    routes = np.zeros((2, 2, 5), "float32")
    routes[:, :, 2] = routes[0, 0, 4] = routes[1, 0, 1] = 0.5
    codebook = Codebook(base, routes.reshape(2, 10), [0.5, 1.0])
    first, second = names
    expected = {first: tuple(names[first][i] for i in (1, 2, 4))}
    expected[second] = (names[second][2],)
    assert codebook.route_spec.branches == base.route_spec.branches == expected
    np.testing.assert_array_equal(
        codebook.routes, [[0, 0.5, 0.5, 0.5], [0.5, 0.5, 0, 0.5]]
    )
    modules = [m.name for m in codebook.modules if m.kind == "branch"]
    assert len(modules) == 4
    assert [m.kind for m in codebook.modules].count("router") == 1
    paths = " ".join(w.path for w in codebook.weights)
    assert "router" not in paths.replace("choice_router", "")
    with pytest.raises(ValueError, match=f"{first}. It needs .batch, 3.: "):
        codebook(IMAGES, route={name: np.ones((ROWS, 5)) for name in names})
    with pytest.raises(ValueError, match="needs 3 weights, of "):
        codebook.route_spec.from_json({name: [1, 0, 0, 0, 0] for name in names}, "x")


def test_a_block_that_no_route_runs_keeps_one_branch():
    routes = ROUTES * ([1] * 6 + [0] * 2)
    model = make_codebook(routes=routes[:3], costs=[0.2, 0.5, 1.0])
    assert model.route_spec.sizes == [2, 1, 2, 1]
    assert [*model.route_spec.split(model.routes).values()][-1].tolist() == [[0]] * 3


@pytest.mark.parametrize("name", BASES)
def test_files_of_before_hold_all_branches(name, tmp_path):
    routes = random_routes(BASES[name]().route_spec, 2, 1.2, seed=1)
    whole = shake(Codebook(BASES[name](), routes, [0.5, 1.0], prune=False))
    before = whole.get_config()
    del before["prune"]
    with mock.patch.object(Codebook, "get_config", lambda _: before):
        whole.save(tmp_path / "codebook.keras")
    loaded = keras.saving.load_model(tmp_path / "codebook.keras")
    assert loaded.route_spec == whole.route_spec == BASES[name]().route_spec
    assert loaded.count_params() == whole.count_params()
    assert_same(run(loaded, IMAGES), run(whole, IMAGES))
