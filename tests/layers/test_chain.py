"""Chains of layers."""

import numpy as np
from keras import layers

from tfdyn.layers import execution
from tfdyn.layers.chain import Chain
from tfdyn.layers.mixed_op import MixedOp


def test_layers_run_in_their_order():
    chain = Chain([layers.Rescaling(2.0), layers.Rescaling(1.0, offset=3.0)])
    np.testing.assert_array_equal(chain(np.ones((1, 4), "float32")), np.full((1, 4), 5))


def test_a_layer_may_stand_there_twice():
    shared = layers.Dense(4)
    chain = Chain([shared, layers.ReLU(), shared])
    inputs = np.ones((2, 4), "float32")
    outputs = chain(inputs)
    np.testing.assert_array_equal(outputs, shared(layers.ReLU()(shared(inputs))))
    assert len(chain.weights) == 2


class Routed(layers.Layer):
    """A layer that asks its MixedOp for one branch of two."""

    def __init__(self):
        super().__init__()
        self.mixed_op = MixedOp([layers.ReLU(), layers.ReLU()])

    def build(self, shape):
        self.mixed_op.build(shape)

    def compute_output_shape(self, shape):
        return shape

    def call(self, inputs):
        return self.mixed_op(inputs, np.tile([[1.0, 0.0]], (inputs.shape[0], 1)))


def test_the_execution_in_force_holds_inside():
    ran = []

    def recorded(branches, inputs, weights, initial=None):
        ran.append(len(branches))
        return execution.dense(branches, inputs, weights, initial)

    chain = Chain([Routed(), Routed()])
    chain(np.ones((2, 4), "float32"))
    with execution.scope(recorded):
        chain(np.ones((2, 4), "float32"))
    assert ran == [2, 2]
