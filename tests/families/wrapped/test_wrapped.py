"""Wrapped: routes, exits, T and costs of a model that was made dynamic."""

import json

import keras
import numpy as np
import pytest
import tiny_wrapped
from keras import ops
from tiny_networks import assert_same, run

from tfdyn.costs import complexity
from tfdyn.families.wrapped import chain
from tfdyn.families.wrapped.exits import Exit
from tfdyn.families.wrapped.wrapping import wrap
from tfdyn.layers import execution
from tfdyn.layers.keras_internals import parameters

IMAGES = tiny_wrapped.images()
T = 0.5
NAMES = ["one", "two_shortcut_gate", "two", "exit_two", "three", "end"]


@pytest.fixture(scope="module")
def model():
    return tiny_wrapped.wrapped()


def routed(model, threshold=T, **options):
    return run(model, IMAGES, threshold=threshold, **options)


def flat(model, outputs):
    return np.asarray(model.route_spec.flatten(outputs["route"]))


def exit_logits(model):
    """The logits of each exit for all images, from one route that all run."""
    state, logits = (IMAGES,), {}
    ones = np.ones((len(IMAGES), 1), "float32")
    for link in model.chain:
        if isinstance(link, Exit):
            logits[link.name] = np.asarray(link.head(state[0]))
        weights = {op.name: ones for op in chain.mixed_ops_of(link)}
        state = chain.run(link, state, weights)
    return logits


def test_images_run_different_routes(model):
    assert [op.name for op in model.mixed_ops] == NAMES
    routes = flat(model, routed(model))
    assert len(np.unique(routes, axis=0)) > 2 and {0, 1} == {*routes.ravel()}


@pytest.mark.parametrize("changes", [{}, {"routers": "image"}, {"selection": "none"}])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 1.0])
def test_a_route_that_is_given_is_the_one_that_was_chosen(models, changes, threshold):
    model = models(**changes)
    outputs = routed(model, threshold)
    again = run(model, IMAGES, route=outputs["route"])
    assert_same(again, outputs, atol=0)


@pytest.fixture(scope="module")
def models():
    cache = {}

    def make(**changes):
        key = json.dumps(changes)
        if key not in cache:
            cache[key] = tiny_wrapped.wrapped(**changes)
        return cache[key]

    return make


@pytest.mark.parametrize("changes", [{}, {"exits": ()}])
def test_all_executions_agree_on_any_route(models, changes):
    model, random = models(**changes), np.random.default_rng(0)
    for _ in range(3):
        route = {
            op.name: random.integers(0, 2, (len(IMAGES), 1)).astype("float32")
            for op in model.mixed_ops
        }
        dense = run(model, IMAGES, route=route)
        dispatched = run(model, IMAGES, route=route, by=execution.dispatched)
        assert_same(dispatched, dense)
    assert_same(routed(model, by=execution.dispatched), routed(model))


def test_an_image_runs_the_same_beside_others_and_alone(model):
    together = routed(model)
    for index in range(len(IMAGES)):
        alone = run(model, IMAGES[index : index + 1], threshold=T)
        one = keras.tree.map_structure(lambda x, i=index: x[i : i + 1], together)
        assert_same(alone, one)


def test_nothing_runs_behind_an_exit(model):
    route = routed(model)["route"]
    stop_one = route["exit_two"][:, 0] == 0
    stop_two = ~stop_one & (route["end"][:, 0] == 0)
    assert stop_one.any() and stop_two.any()
    for name in NAMES[1:]:
        assert (route[name][stop_one] == 0).all()
    for name in ("three", "end"):
        assert (route[name][stop_two] == 0).all()
    assert (route["two_shortcut_gate"][~stop_one] == 1).all()


def test_the_logits_are_those_of_the_exit_where_an_image_stops():
    model = tiny_wrapped.wrapped(selection="none")
    outputs, logits = routed(model), exit_logits(model)
    route = outputs["route"]
    heads = np.where(route["exit_two"] > 0, logits["exit_two"], logits["exit_one"])
    expected = np.where(route["end"] > 0, logits["end"], heads)
    np.testing.assert_array_equal(outputs["logits"], expected)
    assert 0 < route["end"].sum() < route["exit_two"].sum() < len(IMAGES)


def test_an_image_stops_if_it_is_sure_enough():
    model = tiny_wrapped.wrapped(selection="none")
    logits = exit_logits(model)
    sure = {n: np.asarray(ops.softmax(x)).max(axis=-1) for n, x in logits.items()}
    for threshold in (0.4, 0.5, 0.6):
        route = routed(model, threshold)["route"]
        second = sure["exit_one"] < threshold
        np.testing.assert_array_equal(route["exit_two"][:, 0], second)
        last = second & (sure["exit_two"] < threshold)
        np.testing.assert_array_equal(route["end"][:, 0], last)


def test_with_the_smallest_t_all_stop_at_the_first_exit(model):
    outputs = routed(model, 1e-6)
    assert not flat(model, outputs).any()
    # No block has run, not even the first, which stands before the exit.
    stem, one, first = model.chain[:3]
    features = one(stem(IMAGES), {"one": np.zeros((len(IMAGES), 1), "float32")})
    np.testing.assert_array_equal(outputs["logits"], first.head(features))


def test_with_t_of_1_all_run_to_the_end(model):
    outputs = routed(model, 1.0)
    assert flat(model, outputs).all()
    expected = tiny_wrapped.residual()(IMAGES, training=False)
    np.testing.assert_array_equal(outputs["logits"], expected)


def test_t_is_one_number_for_each_mixed_op(model):
    def run_with(**changes):
        return routed(model, [changes.get(name, 1.0) for name in NAMES])["route"]

    assert all((weights == 1).all() for weights in run_with().values())
    # The exit reads the T of the first MixedOp behind it.
    route = run_with(two_shortcut_gate=1e-6)
    assert (route["one"] == 1).all()
    assert all((route[name] == 0).all() for name in NAMES[1:])
    route = run_with(three=1e-6)
    assert all((route[name] == 1).all() for name in NAMES[:4])
    assert (route["three"] == 0).all() and (route["end"] == 0).all()
    # A router reads that of its own block.
    route = run_with(two=1e-6)
    assert (route["two"] == 0).all()
    assert all((route[name] == 1).all() for name in NAMES if name != "two")


def test_its_own_t_is_the_default():
    model = tiny_wrapped.wrapped(threshold=0.5)
    assert model.threshold == 0.5
    assert_same(run(model, IMAGES), routed(model, 0.5), atol=0)


def test_one_router_for_all_blocks(models):
    model = models(routers="image", exits=())
    routes = flat(model, routed(model))
    assert len(model.routers) == 1 and len(np.unique(routes, axis=0)) > 2
    # It is asked in front of the first block, and so does not see what runs.
    forced = run(model, IMAGES, threshold=[1e-6, T, T])["route"]
    for name in ("two", "three"):
        np.testing.assert_array_equal(forced[name], routed(model)["route"][name])


def test_the_state_of_a_router_reaches_the_next(models):
    with_state, without = models(exits=()), models(exits=(), previous_state=False)
    assert with_state.count_params() > without.count_params()
    before = flat(with_state, routed(with_state))
    for router in list(with_state.routers.values())[1:]:
        kernel = router.recall.kernel
        value = np.array(kernel)
        kernel.assign(value + 5)
        assert (flat(with_state, routed(with_state)) != before).any()
        kernel.assign(value)
    np.testing.assert_array_equal(flat(with_state, routed(with_state)), before)


def macs(layer, shape):
    return complexity.macs(layer, (1, *shape))


def test_the_cost_of_a_route_is_that_of_the_layers_that_run(model):
    original = tiny_wrapped.residual()

    def of(*names):
        layers = [original.get_layer(name) for name in names]
        return sum(macs(layer, layer.input.shape[1:]) for layer in layers)

    def block(name):
        return [f"{name}_{part}" for part in ("a_conv", "a_norm", "b_conv", "b_norm")]

    branches = {
        name: float(cost.sum()) for name, cost in model.route_cost.branches.items()
    }
    first, second = (link.head for link in model.chain if link.name.startswith("exit"))
    assert branches == {
        "one": of(*block("one")),
        "two_shortcut_gate": of("two_side_conv", "two_side_norm"),
        "two": of(*block("two")),
        "exit_two": macs(second, (4, 4, 6)),
        "three": of(*block("three")),
        "end": of("classes") + macs(original.get_layer("pool"), (4, 4, 6)),
    }
    fixed = of("stem_conv", "stem_norm") + macs(first, (8, 8, 4))
    shapes = [(8, 8, 4), (8, 8, 4), (4, 4, 6)]
    for router, shape in zip(model.routers.values(), shapes, strict=True):
        inputs = [(1, *shape), (1, 4)] if router.previous_state else (1, *shape)
        fixed += complexity.macs(router, inputs)
    assert model.route_cost.fixed == fixed
    route = routed(model)["route"]
    total = fixed + sum(
        branches[name] * weights[:, 0] for name, weights in route.items()
    )
    np.testing.assert_allclose(model.route_cost.total(route), total)


@pytest.mark.parametrize("changes", [{}, {"routers": "image", "teacher": True}])
def test_it_is_saved_and_loaded(changes, tmp_path):
    model = tiny_wrapped.wrapped(threshold=[0.5] * 6, **changes)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == json.loads(json.dumps(model.get_config()))
    assert_same(run(loaded, IMAGES), run(model, IMAGES), atol=0)


def test_preprocessing_is_saved_with_it(tmp_path):
    original = tiny_wrapped.with_preprocessing()
    wrap(original, units=4).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    outputs = run(loaded, IMAGES, threshold=1.0)
    np.testing.assert_array_equal(outputs["logits"], original(IMAGES))


def test_one_part_at_a_time_is_the_whole(model):
    route = routed(model)["route"]
    state = model.begin(IMAGES)
    assert [[op.name for op in part] for part in model.parts] == [
        ["one"],
        ["two_shortcut_gate", "two"],
        ["exit_two"],
        ["three"],
        ["end"],
    ]
    for index, part in enumerate(model.parts):
        state = model.advance(state, index, {op.name: route[op.name] for op in part})
    expected = run(model, IMAGES, route=route)["logits"]
    np.testing.assert_array_equal(model.end(state), expected)
    shapes = [(None, 8, 8, 4)] * 2 + [(None, 4, 4, 6)] * 4
    assert model.look_shapes() == shapes


def test_what_it_says_of_itself(model):
    assert model.binary and model.least_branches == [0] * 6
    assert model.has_choices and model.has_routers
    without = tiny_wrapped.wrapped(selection="none", blocks=[])
    assert not without.has_choices and without.has_routers
    assert model.compute_output_shape((7, 8, 8, 3)) == {
        "logits": (7, 10),
        "route": dict.fromkeys(NAMES, (7, 1)),
    }


def test_a_teacher_is_no_weight_of_inference():
    model = tiny_wrapped.wrapped(teacher=True, exits=())
    count = len(tiny_wrapped.residual().weights)
    assert len(model.weights) - len(model.inference_weights) == count
    assert not {id(w) for w in model.teacher.weights} & {
        id(weight) for weight in model.trainable_weights
    }
    assert len(parameters(model.teacher)) > 0
