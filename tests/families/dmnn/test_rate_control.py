"""RateControl, by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import IMAGES, ROWS, make_dmnn

from tfdyn.families.dmnn.rate_control import RateControl, hold_mean
from tfdyn.families.dmnn.rate_loss import RateLoss
from tfdyn.families.dmnn.router import GateRouter

# Three gates of two routers: they open for all, for a half and for none of 4 images.
ON = np.array([[0.9, 0.9, 0.1], [0.6, 0.6, 0.4], [0.7, 0.4, 0.2], [0.8, 0.3, 0.1]])
PAIRS = np.stack([1 - ON, ON], axis=-1).astype("float32")


def move(target, shares=None, pairs=PAIRS):
    routers = [GateRouter(1, 4, moved_bias=True) for _ in range(3)]
    for router in routers:
        router.build((None, 2, 2, 3))
        router.bias.assign([1.0])
    control = RateControl(0.25)
    control.build()
    control.target_rate.assign(target)
    control.shares = shares
    control.move(routers, pairs)
    return [float(router.bias[0]) for router in routers]


def test_each_bias_moves_by_a_step_towards_the_target():
    assert move(0.7) == [0.75, 1.25, 1.25]
    assert move(0.5) == [0.75, 1.0, 1.25]
    assert move(1.0) == [1.0, 1.25, 1.25]


def test_the_mean_of_logits_has_no_gradient():
    logits = tf.Variable(ON.astype("float32"))
    push = tf.constant([[3.0, 1, 0], [1, 1, 0], [1, 1, 0], [1, 1, 2]])
    with tf.GradientTape() as tape:
        held = hold_mean(logits)
        value = tf.reduce_sum(push * held)
    np.testing.assert_allclose(held, ON, rtol=1e-6)
    expected = push - np.mean(push, axis=0)
    np.testing.assert_allclose(tape.gradient(value, logits), expected, atol=1e-6)


def test_with_shares_all_move_alike():
    # 0.7 of the cost runs: the first gate's 0.6, and a half of the second's 0.2.
    shares = np.array([0.6, 0.2, 0.2], "float32")
    assert move(0.65, shares) == [0.75] * 3 and move(0.75, shares) == [1.25] * 3


class Free:
    all_branches, table_name = 0.0, "a.json"


def test_a_network_whose_sub_blocks_cost_nothing_has_no_target():
    with pytest.raises(ValueError, match="a.json: .* cost nothing at all"):
        RateControl(0.1).hold_cost(Free())


@pytest.mark.parametrize("block_rates", [True, False])
def test_a_training_holds_the_rate_without_a_loss(block_rates):
    model = make_dmnn(stages=[(6, 3, 2, 1)], rate_bias=0.1, previous_state=False)
    control = model.rate_control
    control.target_rate.assign(0.5)
    if not block_rates:
        control.hold_cost(model.route_cost)
    for router in model.routers:
        router.decide.kernel.assign(10 * router.decide.kernel)
    before = [np.array(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.0), RateLoss())
    steps, labels = 150, np.arange(ROWS) % 3  # All images in each, in one epoch.
    images, labels = np.tile(IMAGES, (steps, 1, 1, 1)), np.tile(labels, steps)
    model.fit(images, labels, batch_size=ROWS, shuffle=False, verbose=0)
    for old, weight in zip(before, model.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, weight)
    shares = []
    for _ in range(20):  # A bias may swing around the margin of an image.
        outputs = model(IMAGES, training=True)
        gates = np.asarray(outputs["choice_probabilities"][..., 1]) > 0.5
        shares.append(gates.mean(axis=0))
    rates = np.mean(shares, axis=0)
    whole = np.average(rates, weights=control.shares)
    assert whole == pytest.approx(0.5, abs=0.1)
    if block_rates:
        np.testing.assert_allclose(rates, 0.5, atol=0.25)
