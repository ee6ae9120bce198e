"""Graphs: what each variant takes, gives and runs."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import (
    IMAGES,
    assert_same,
    make,
    make_dmnn,
    make_instanas,
    random_route,
    run,
    sharpen,
)

from export.graph import trace
from export.graph.form import VARIANTS, Form
from tfdyn.costs import complexity
from tfdyn.data.input_format import InputFormat

FORMAT = InputFormat(("a", "b", "c"), (8, 8, 1), (0.4,), (0.5,))
PIXELS = np.random.default_rng(0).integers(0, 256, IMAGES.shape, "uint8")


@pytest.fixture(scope="module")
def model():
    return sharpen(make(auxiliary_head=False))


def call(function, *inputs):
    return {name: x.numpy() for name, x in function(*map(tf.constant, inputs)).items()}


def expected(model, images, **arguments):
    outputs = run(model, images, **arguments)
    return {
        "logits": outputs["logits"],
        "probabilities": tf.nn.softmax(outputs["logits"]).numpy(),
        "macs": macs(model, outputs["route"], routers="route" not in arguments),
        "route": model.route_spec.flatten(outputs["route"]),
    }


def macs(model, route, routers):
    unused = [complexity.macs(m.layer) for m in model.modules if m.kind == "router"]
    return model.route_cost.total(route).numpy() - (0 if routers else sum(unused))


def count_gates(function):
    types = [op.type for op in function.graph.get_operations()]
    return types.count("If") + types.count("StatelessIf")


@pytest.mark.parametrize(
    "family",
    [
        make_dmnn,
        functools.partial(
            make_dmnn, normalized_routers=True, beliefs=True, rate_bias=0.01
        ),
        make_instanas,
        functools.partial(
            make, normalized_routers=True, beliefs=True, auxiliary_head=False
        ),
    ],
)
def test_a_family_is_exported_as_any_other(family):
    model = sharpen(family())
    function = trace.gated(model, FORMAT, Form(threshold_input=True))
    for pixels, threshold in zip(PIXELS[:3], (0.5, 0.9, 1.0), strict=True):
        images = FORMAT.normalize(pixels[None])
        outputs = call(function, pixels[None], np.float32(threshold))
        assert_same(outputs, expected(model, images, threshold=threshold))
    by_name = {name: w[:1] for name, w in random_route(model, 0).items()}
    weights = model.route_spec.flatten(by_name)
    function = trace.gated(model, FORMAT, Form("forced", preprocess=False))
    outputs = call(function, IMAGES[:1], weights)
    assert_same(outputs, expected(model, IMAGES[:1], route=by_name))
    assert count_gates(function) == weights.size


def test_routed_takes_pixels_and_its_own_threshold(model):
    function = trace.gated(model, FORMAT, Form(threshold=0.6))
    for pixels in PIXELS[:3]:
        images = FORMAT.normalize(pixels[None])
        assert_same(
            call(function, pixels[None]), expected(model, images, threshold=0.6)
        )


def test_the_threshold_may_be_an_input(model):
    form = Form(threshold_input=True, preprocess=False)
    function = trace.gated(model, FORMAT, form)
    image = IMAGES[:1]
    for threshold in (0.5, 0.9, 1.0):
        outputs = call(function, image, np.float32(threshold))
        assert_same(outputs, expected(model, image, threshold=threshold))


def test_all_branches_run_all_whatever_the_threshold(model):
    form = Form("all_branches", threshold=0.5, preprocess=False)
    outputs = call(trace.gated(model, FORMAT, form), IMAGES[:1])
    assert_same(outputs, expected(model, IMAGES[:1], threshold=1.0))
    assert (outputs["route"] != 0).all()


def test_a_forced_route_is_an_input(model):
    function = trace.gated(model, FORMAT, Form("forced", preprocess=False))
    by_name = random_route(model, 0)
    weights = model.route_spec.flatten(by_name)
    for row in range(3):
        part = slice(row, row + 1)
        route = {name: weights[part] for name, weights in by_name.items()}
        outputs = call(function, IMAGES[part], weights[part])
        assert_same(outputs, expected(model, IMAGES[part], route=route))


def test_a_fixed_route_is_no_input(model):
    by_name = {name: w[:1] for name, w in random_route(model, 1).items()}
    route = model.route_spec.flatten(by_name)[0]
    form = Form("fixed", preprocess=False)
    function = trace.gated(model, FORMAT, form, route)
    assert_same(call(function, IMAGES[:1]), expected(model, IMAGES[:1], route=by_name))


def test_only_gated_variants_have_gates(model):
    route = np.ones(40, "float32")
    gates = {
        variant: count_gates(trace.gated(model, FORMAT, Form(variant), route))
        for variant in VARIANTS
    }
    assert gates == {"routed": 40, "forced": 40, "all_branches": 0, "fixed": 0}


def test_a_batch_of_any_size(model):
    function = trace.batched(model, FORMAT, Form(threshold=0.6))
    outputs = expected(model, FORMAT.normalize(PIXELS), threshold=0.6)
    assert_same(call(function, PIXELS), outputs)
    assert_same(call(function, PIXELS[:1])["logits"], outputs["logits"][:1])


def test_an_unknown_variant_and_a_useless_threshold_are_errors():
    with pytest.raises(ValueError, match="one of routed, all_branches"):
        Form("quick")
    with pytest.raises(ValueError, match="fixed has no use"):
        Form("fixed", threshold_input=True)
