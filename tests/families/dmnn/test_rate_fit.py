"""Fitting the biases of gates on images."""

import io

import keras
import numpy as np
import pytest
from tiny_networks import make_dmnn, run

from tfdyn.families.dmnn.rate_fit import fit, shift

IMAGES = np.random.default_rng(1).normal(size=(40, 8, 8, 1)).astype("float32")
EVEN = np.ones(4)
MARGINS = np.array([3.0, -1.0, 2.0, 0.5])


@pytest.mark.parametrize(
    ("target", "expected"),
    [(0.5, -1.25), (0.75, 0.0), (0.7, 0.0), (0.25, -2.5), (1.0, 2.0), (0.1, -4.0)],
)
def test_a_shift_puts_the_target_share_above_0(target, expected):
    assert shift(MARGINS, EVEN, target) == expected


def test_a_shift_counts_by_the_weights():
    assert shift(MARGINS, np.array([1.0, 1, 1, 3]), 0.3) == -1.25
    assert shift(MARGINS, np.array([1.0, 1, 7, 1]), 0.3) == -2.5


def test_equal_margins_stay_together():
    assert shift(np.full(4, 2.0), EVEN, 0.7) == 0
    assert shift(np.full(4, -2.0), EVEN, 0.7) == 3
    # Of all or none, none is nearer.
    assert shift(np.full(4, 2.0), EVEN, 0.3) == -3


def batches():
    return [(IMAGES[:25], None), (IMAGES[25:], None)]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("target", [0.3, 0.7])
def test_the_rates_are_met_exactly(target, whole):
    keras.utils.set_random_seed(0)
    model, output = make_dmnn(rate_bias=0.01, beliefs=True), io.StringIO()
    model.rate_control.target_rate.assign(target)
    for router in model.routers:
        router.decide.kernel.assign(10 * router.decide.kernel)
    if whole:
        model.rate_control.hold_cost(model.route_cost)
    fit(model, batches, output)
    route = run(model, IMAGES, threshold=0.5)["route"]
    if whole:
        cost = model.route_cost
        share = np.mean(cost.expected(route)) / cost.all_branches
        assert share == pytest.approx(target, abs=0.01)
    else:
        rates = np.concatenate([gates.mean(axis=0) for gates in route.values()])
        np.testing.assert_allclose(rates, target, atol=1e-6)
        before = model.get_weights()
        fit(model, batches)
        for old, new in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
    said = output.getvalue()
    assert (
        "on 40 validation images in" in said and f"(target {100 * target:g} %)" in said
    )


def test_without_images_the_biases_stay():
    model, output = make_dmnn(rate_bias=0.01), io.StringIO()
    model.routers[0].bias.assign([1.0, 2.0])
    fit(model, None, output)
    np.testing.assert_array_equal(model.routers[0].bias, [1, 2])
    assert output.getvalue().startswith("no images are held out to fit the biases")
