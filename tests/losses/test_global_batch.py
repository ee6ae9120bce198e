"""Means over a global batch, on one device and on two replicas.

Run by itself, this file is the process with two replicas.
"""

import os
import subprocess
import sys

import numpy as np
import tensorflow as tf

from tfdyn.losses import global_batch

VALUES = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


def loss_and_gradient(factor, values, replicas):
    """The square of means of `factor * values`: a replica's part of the sum of all."""
    with tf.GradientTape() as tape:
        rates = global_batch.mean(factor * values)
        loss = tf.reduce_sum((rates - 0.7) ** 2) / replicas
    return loss, tape.gradient(loss, factor)


def run_on_two_replicas():
    (cpu,) = tf.config.list_physical_devices("CPU")
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, halves)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        factor = tf.Variable(0.5)
    parts = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(
            np.split(VALUES, 2)[context.replica_id_in_sync_group]
        )
    )

    @tf.function
    def step():
        each = strategy.run(loss_and_gradient, args=(factor, parts, 2.0))
        return [strategy.reduce("SUM", value, axis=None) for value in each]

    expected = loss_and_gradient(tf.Variable(0.5), VALUES, 1.0)
    np.testing.assert_allclose(step(), expected, rtol=1e-5)


def test_one_device_takes_the_mean():
    mean = global_batch.mean(tf.constant(VALUES))
    np.testing.assert_allclose(mean, VALUES.mean(axis=0), rtol=1e-5)


def test_two_replicas_are_one_device():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, __file__], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    run_on_two_replicas()
