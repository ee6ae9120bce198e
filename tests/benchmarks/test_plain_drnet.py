"""DRNet trains as its plain form does."""

import keras
import numpy as np
import tensorflow as tf
from tiny_networks import IMAGES, make

from benchmarks.plain_drnet import PlainDRNet
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.training.seeds import reseed
from tfdyn.training.sgd import SGD

LABELS = np.arange(len(IMAGES)) % 3
RATE, DECAY = 0.002, 0.1
# One of each kind: those of 5x5 would be compiled for long.
BRANCHES = ("max_pool_3x3", "avg_pool_3x3", "sep_conv_3x3", "skip_connection")


def trained(model, optimizer, **arguments):
    """Losses and weights of three steps with noise and drops."""
    loss = RoutingLoss(model.route_cost, 0.1)
    model.compile(optimizer, loss=loss, **arguments)
    model.optimizer.build(model.trainable_variables)
    model.selection.drop_branch.assign(0.3)
    model.selection.drop_connection.assign(0.2)
    reseed(model, seed=1, epoch=0)
    step = tf.function(model.train_step)
    losses = []
    for _ in range(3):
        logs = step((tf.constant(IMAGES), tf.constant(LABELS)))
        losses.append(float(logs["loss"]))
        model.reset_metrics()
    return losses, model.get_weights()


def decay(model):
    return sum(float(keras.ops.sum(weight**2)) for weight in model.trainable_weights)


def test_same_losses_and_weights():
    ours = make(num_cells=3, num_nodes=2, branches=BRANCHES)
    plain = PlainDRNet.from_config(ours.get_config())
    plain.set_weights(ours.get_weights())
    penalty = DECAY / 2 * decay(ours)
    losses, weights = trained(ours, SGD(RATE, momentum=0.9, l2=DECAY))
    plain_losses, plain_weights = trained(
        plain, keras.optimizers.SGD(RATE, momentum=0.9), l2=DECAY
    )
    # The plain form's decay is part of its loss.
    np.testing.assert_allclose(losses[0] + penalty, plain_losses[0], rtol=1e-5)
    for one, other in zip(weights, plain_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
