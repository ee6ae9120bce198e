"""Parity: what counts as the same, and what is refused."""

import numpy as np
import pytest
from keras import ops
from tiny_networks import IMAGES, make, make_dmnn, make_instanas, run, sharpen

from export.checks import parity
from tfdyn.families.codebook.codebook import Codebook

EXACT = parity.TOLERANCES["float32"]
T = 0.6


@pytest.fixture(scope="module")
def model():
    return sharpen(make(num_cells=1, auxiliary_head=False))


@pytest.fixture(scope="module")
def reference(model):
    return parity.Reference(model)


@pytest.fixture
def outputs(reference):
    return tuple(np.array(x) for x in reference(IMAGES, T))


def compare(reference, expected, actual, tolerance=EXACT, threshold=T):
    return parity.compare(reference, IMAGES, expected, actual, threshold, tolerance)


def test_the_reference_is_the_model_in_batches_of_any_size(model, reference):
    expected = run(model, IMAGES, threshold=T)
    logits, routes = reference(IMAGES, T, batch_size=4)
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-5)
    np.testing.assert_allclose(
        routes, model.route_spec.flatten(expected["route"]), atol=1e-6
    )
    forced, _ = reference(IMAGES, route=routes)
    np.testing.assert_allclose(forced, logits, atol=1e-5)


def test_the_same_is_the_same(reference, outputs):
    result = compare(reference, outputs, outputs)
    assert result == {
        "images": 6,
        "same_top1": 6,
        "same_route": 6,
        "route_near_threshold": 0,
        "max_logit_difference": 0.0,
    }


def test_other_logits_are_refused(reference, outputs):
    logits, routes = outputs
    with pytest.raises(ValueError, match="Logits differ.*0.002"):
        compare(reference, outputs, (logits + 0.002, routes))
    with pytest.raises(ValueError, match="Logits differ"):
        compare(reference, outputs, (logits * np.nan, routes))


def test_another_class_is_refused(reference, outputs):
    logits, routes = outputs
    near = np.tile([1.0, 1.0 + 1e-5, 0.0], (6, 1))
    with pytest.raises(ValueError, match="6 of 6 images have another class"):
        compare(reference, (near, routes), (near[:, [1, 0, 2]], routes))


def test_another_route_is_refused_far_from_the_threshold(reference, outputs):
    logits, routes = outputs
    other = routes.copy()
    other[2, 5:10] = 0.2
    assert reference.first_difference(routes[2], other[2]) == 1
    with pytest.raises(ValueError, match="route of image 2 differs.*MixedOp 1"):
        compare(reference, outputs, (logits, other))
    rounded = parity.TOLERANCES["float16"]
    assert compare(reference, outputs, (logits, other), rounded)["same_route"] == 5


def near_drnet(model):
    """T just above the largest weight of the first MixedOp for the first image."""
    weights = run(model, IMAGES, threshold=1.0)["route"][model.mixed_ops[0].name][0]
    return float(weights.max()) + 5e-5


def near_dmnn(model):
    """T just above the probability that the first gate is shut for the first image."""
    logits, _ = model.routers[0](model.stem(IMAGES[:1]))
    return float(np.asarray(ops.softmax(logits))[0, 0, 0]) + 5e-5


def near_instanas(model):
    logits = np.asarray(model.router(IMAGES[:1])).reshape(-1)
    return float(1 / (1 + np.exp(logits[0]))) + 5e-5


@pytest.mark.parametrize(
    ("make_model", "near"),
    [(make, near_drnet), (make_dmnn, near_dmnn), (make_instanas, near_instanas)],
)
def test_another_route_is_counted_near_the_threshold_alone(make_model, near):
    model = sharpen(make_model())
    reference, threshold = parity.Reference(model), near(model)
    logits, routes = (np.array(x) for x in reference(IMAGES, threshold))
    _, below = reference(IMAGES, threshold - 1e-4)
    (differs,) = np.nonzero((routes[0] != 0) != (below[0] != 0))
    index = reference.first_difference(routes[0], below[0])
    assert index == 0 and len(differs)
    actual = routes.copy()
    actual[0] = below[0]
    result = compare(
        reference,
        (logits, routes),
        (logits + 0.5 * (np.arange(6) == 0)[:, None], actual),
        threshold=threshold,
    )
    assert result["route_near_threshold"] == 1 and result["same_route"] == 5
    with pytest.raises(ValueError, match="route of image 0 differs"):
        compare(
            reference,
            (logits, routes),
            (logits, np.where(np.arange(6)[:, None] == 0, routes == 0, routes)),
            threshold=threshold,
        )


def test_a_router_of_a_codebook_decides_for_a_whole_part():
    base = make(num_cells=1, auxiliary_head=False)
    size, (first, *_) = base.route_spec.size, base.route_spec.sizes
    routes = np.zeros((2, size), "float32")
    routes[:, ::first] = 1
    routes[1, -first:] = 0
    routes[1, -1] = 1  # The last MixedOp alone is another.
    codebook = Codebook(base, routes, [0.5, 1.0])
    routes = codebook.routes
    (router,) = filter(None, codebook.routers)
    router.decide.kernel.assign(0 * router.decide.kernel)
    router.decide.bias.assign(np.log([0.5 / 0.5, 0.7 / 0.3]))
    reference, index = parity.Reference(codebook), len(base.mixed_ops) - 1
    edge = 1 / 1.4  # There 0.5 - lambda / 2 is 0.7 - lambda.
    _, (chosen,) = reference(IMAGES[:1], edge + 1e-5)
    np.testing.assert_array_equal(chosen, routes[1])
    for threshold, near in ((edge + 1e-5, True), (edge + 1e-2, False)):
        arguments = (IMAGES[0], threshold, index, routes[0], 1e-4)
        assert reference.near_threshold(*arguments) == near
