"""Training pass: all images go through the whole network, past every exit."""

import keras
import numpy as np
import pytest
import tiny_wrapped
from tiny_networks import run

from tfdyn.families.wrapped.exits import Exit

IMAGES = tiny_wrapped.images()
ROWS = len(IMAGES)


@pytest.fixture(scope="module")
def outputs():
    model = tiny_wrapped.wrapped(teacher=True, threshold=0.5)
    model.selection.noise_scale.assign(0.0)
    return model, run(model, IMAGES, training=True)


def test_shapes(outputs):
    _, content = outputs
    shapes = {
        name: value.shape for name, value in content.items() if hasattr(value, "shape")
    }
    assert shapes == {
        "logits": (ROWS, 10),
        "exit_logits": (ROWS, 3, 10),
        "choice_probabilities": (ROWS, 3, 2),
        "teacher_logits": (ROWS, 10),
    }
    assert content["gates"].keys() == content["route"].keys()
    assert all(gates.shape == (ROWS, 1) for gates in content["gates"].values())


def test_the_teacher_is_the_original_in_inference(outputs):
    expected = tiny_wrapped.residual()(IMAGES, training=False)
    np.testing.assert_array_equal(outputs[1]["teacher_logits"], expected)


def test_gates_are_those_of_routers_and_the_route_ends_at_an_exit(outputs):
    _, content = outputs
    gates, route = content["gates"], content["route"]
    is_open = content["choice_probabilities"][..., 0] < 0.5
    for index, name in enumerate(("one", "two", "three")):
        np.testing.assert_array_equal(gates[name][:, 0], is_open[:, index])
    for name in ("two_shortcut_gate", "exit_two", "end"):
        assert (gates[name] == 1).all()
    goes = {"one": 1.0, "two_shortcut_gate": route["two_shortcut_gate"]}
    goes |= {"two": goes["two_shortcut_gate"], "exit_two": goes["two_shortcut_gate"]}
    goes |= {"three": route["end"], "end": route["end"]}
    for name, weights in gates.items():
        np.testing.assert_array_equal(route[name], weights * goes[name])
    assert 0 <= route["end"].sum() <= route["exit_two"].sum() < ROWS


def test_logits_are_those_where_the_image_stops(outputs):
    _, content = outputs
    route, of_exits = content["route"], content["exit_logits"]
    stops = (route["exit_two"] + route["end"])[:, 0].astype(int)
    np.testing.assert_array_equal(content["logits"], of_exits[np.arange(ROWS), stops])


def test_each_exit_sees_all_images_as_what_follows_it(outputs):
    model, content = outputs
    # As in inference with the same gates, past all exits; heads are in training.
    (first, *_) = (link for link in model.chain if isinstance(link, Exit))
    features = model.chain[0](IMAGES)
    features = model.chain[1](features, {"one": content["gates"]["one"]})
    expected = first.head(features, training=False)
    assert content["exit_logits"][:, 0].shape == expected.shape
    free = tiny_wrapped.wrapped(exits=(), selection="softmax", threshold=0.5)
    plain = run(free, IMAGES, training=True)
    assert plain["exit_logits"].shape == (ROWS, 1, 10)
    np.testing.assert_array_equal(plain["exit_logits"][:, 0], plain["logits"])


def test_without_routers_there_are_no_choices():
    model = tiny_wrapped.wrapped(selection="none", blocks=[])
    content = run(model, IMAGES, training=True, threshold=1.0)
    assert content.keys() == {"logits", "route", "exit_logits"}
    np.testing.assert_array_equal(content["logits"], content["exit_logits"][:, -1])
    expected = tiny_wrapped.residual()(IMAGES, training=False)
    np.testing.assert_array_equal(content["logits"], expected)  # It is frozen.


def test_noise_changes_the_gates_of_a_training():
    model = tiny_wrapped.wrapped(exits=(), threshold=0.5)
    with_noise = [run(model, IMAGES, training=True)["gates"] for _ in range(3)]
    flat = [np.concatenate([*gates.values()], axis=1) for gates in with_noise]
    assert any((other != flat[0]).any() for other in flat[1:])


def test_gradients_reach_routers_through_what_runs():
    import tensorflow as tf

    model = tiny_wrapped.wrapped(exits=("one",))
    with tf.GradientTape() as tape:
        content = model(IMAGES, training=True)
        total = keras.ops.sum(content["exit_logits"][:, -1] ** 2)
    weights = [router.decide.kernel for router in model.routers.values()]
    for gradient in tape.gradient(total, [weight.value for weight in weights]):
        assert gradient is not None and np.abs(gradient).max() > 0
