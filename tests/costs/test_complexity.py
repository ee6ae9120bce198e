"""Parameters and MACs, by hand."""

import math

import keras
import pytest
from keras import layers, ops

from tfdyn.costs import complexity
from tfdyn.errors import UserError
from tfdyn.layers.chain import Chain

IMAGE = (None, 8, 8, 4)
POSITIONS = 8 * 8

# Layer, input shape, MACs, parameters.
CASES = {
    "conv": (layers.Conv2D(6, 3, padding="same"), IMAGE, POSITIONS * 9 * 4 * 6, 222),
    "conv_valid": (layers.Conv2D(6, 3), IMAGE, 36 * 9 * 4 * 6, 222),
    "conv_strided": (
        layers.Conv2D(6, (3, 1), 2, padding="same", use_bias=False),
        IMAGE,
        16 * 3 * 4 * 6,
        72,
    ),
    "conv_1d": (layers.Conv1D(6, 3), (None, 10, 4), 8 * 3 * 4 * 6, 78),
    "conv_3d": (layers.Conv3D(2, 3), (None, 3, 3, 4, 5), 2 * 27 * 5 * 2, 272),
    "depthwise": (
        layers.DepthwiseConv2D(5, 2, padding="same", depth_multiplier=2),
        IMAGE,
        16 * 25 * 8,
        25 * 8 + 8,
    ),
    "separable": (
        layers.SeparableConv2D(6, 3, padding="same", depth_multiplier=2),
        IMAGE,
        POSITIONS * (9 * 8 + 8 * 6),
        9 * 8 + 8 * 6 + 6,
    ),
    "transpose": (
        layers.Conv2DTranspose(6, 3, 2, padding="same"),
        IMAGE,
        POSITIONS * 9 * 4 * 6,
        222,
    ),
    "dense": (layers.Dense(7), (None, 10), 70, 77),
    "dense_sequence": (layers.Dense(7), (None, 5, 10), 350, 77),
    "einsum": (
        layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="e"),
        (None, 5, 10),
        5 * 10 * 2 * 3,
        10 * 2 * 3 + 3,
    ),
    "max_pool": (layers.MaxPooling2D(3, 2, padding="same"), IMAGE, 16 * 4 * 9, 0),
    "average_pool": (layers.AveragePooling2D((2, 4)), IMAGE, 4 * 2 * 4 * 8, 0),
    "pool_1d": (layers.MaxPooling1D(2), (None, 8, 3), 4 * 3 * 2, 0),
    "batch_norm": (layers.BatchNormalization(), IMAGE, POSITIONS * 4, 8),
    "global_pool": (layers.GlobalAveragePooling2D(), IMAGE, 0, 0),
    "relu": (layers.ReLU(), IMAGE, 0, 0),
    "identity": (layers.Identity(), IMAGE, 0, 0),
    "scale_per_channel": (layers.PReLU(shared_axes=[1, 2]), IMAGE, 0, 4),
}


@pytest.mark.parametrize("name", CASES)
def test_layer(name):
    layer, shape, macs, params = CASES[name]
    layer.build(shape)
    assert complexity.macs(layer) == macs
    assert complexity.params(layer) == params


def test_a_grouped_convolution_alone_and_within_another_layer():
    convolution = keras.layers.Conv2D(6, 3, groups=2, padding="same", use_bias=False)
    convolution.build((None, 8, 8, 4))
    assert complexity.macs(convolution) == POSITIONS * 9 * 2 * 6
    within = Chain([keras.layers.Conv2D(6, 3, groups=2, padding="same")])
    within.build((None, 8, 8, 4))
    assert complexity.macs(within) == POSITIONS * 9 * 2 * 6


def test_a_frozen_layer_has_as_many_parameters():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, use_bias=False),
            keras.layers.BatchNormalization(),
        ]
    )
    assert complexity.params(model) == 3 * 3 * 3 * 4 + 2 * 4
    model.trainable = False
    assert complexity.params(model) == 3 * 3 * 3 * 4 + 2 * 4


def test_a_sequential_and_a_functional_model():
    steps = keras.Sequential([layers.Conv2D(4, 1), layers.BatchNormalization()])
    steps.build(IMAGE)
    assert complexity.macs(steps) == POSITIONS * (4 * 4 + 4)
    inputs = keras.Input(IMAGE[1:])
    outputs = layers.ReLU()(layers.Conv2D(4, 3, padding="same")(inputs))
    model = keras.Model(inputs, [outputs, layers.Dense(3)(outputs)])
    assert complexity.macs(model) == POSITIONS * (9 * 4 * 4 + 4 * 3)


class OneAddedTomorrow(keras.layers.Layer):
    """A layer without a word on what it costs, from raw operations."""

    def build(self, shape):
        self.kernel = self.add_weight((3, 3, shape[-1], 6))
        self.matrix = self.add_weight((6, 5))
        self.shift = self.add_weight((5,))
        self.frozen = self.add_weight((7,), trainable=False)
        self.pool = keras.layers.MaxPooling2D(2)

    def call(self, inputs):
        outputs = ops.relu(ops.conv(inputs, self.kernel, padding="same"))
        return self.pool(outputs @ self.matrix + self.shift) * 2.0


def test_a_layer_of_raw_operations_is_counted():
    layer = OneAddedTomorrow()
    layer.build(IMAGE)
    assert complexity.macs(layer) == POSITIONS * (9 * 4 * 6 + 6 * 5) + 16 * 5 * 4
    assert complexity.params(layer) == 9 * 4 * 6 + 6 * 5 + 5


def test_layers_in_layers_are_counted_as_often_as_they_run():
    shared = layers.Dense(4, use_bias=False)
    inner = keras.Sequential([shared, layers.ReLU(), shared])
    outer = keras.Sequential([layers.Input((4,)), inner, shared])
    assert complexity.macs(outer) == 3 * 16
    assert complexity.params(outer) == 16


def test_another_input_shape():
    layer = layers.Conv2D(6, 3, padding="same", use_bias=False)
    layer.build(IMAGE)
    assert complexity.macs(layer, (None, 16, 16, 4)) == 4 * complexity.macs(layer)


class TwoInputs(keras.layers.Layer):
    def build(self, shapes):
        self.layers = [layers.Dense(5, use_bias=False) for _ in shapes]
        for layer, shape in zip(self.layers, shapes, strict=True):
            layer.build(shape)

    def call(self, inputs):
        return ops.add(*(f(x) for f, x in zip(self.layers, inputs, strict=True)))


def test_a_layer_of_several_inputs():
    layer = TwoInputs()
    layer.build([(None, 3), (None, 4)])
    assert complexity.macs(layer) == (3 + 4) * 5
    assert complexity.macs(layer, [(None, 2, 3), (None, 2, 4)]) == 2 * (3 + 4) * 5


def test_mixed_precision_counts_the_same():
    layer = keras.Sequential(
        [layers.Input(IMAGE[1:]), layers.Conv2D(6, 3, dtype="mixed_float16")]
    )
    assert complexity.macs(layer) == 36 * 9 * 4 * 6


class Tensordot(keras.layers.Layer):
    def build(self, shape):
        self.matrix = self.add_weight((shape[-1], 3))

    def call(self, inputs):
        return ops.tensordot(inputs, self.matrix, 1)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Tensordot(), "Tensordot.*RULES"),
        (layers.EinsumDense("...x,xy->...y", 3), "ellipsis"),
    ],
)
def test_what_no_rule_counts_is_refused(layer, message):
    layer.build((None, 5, 10))
    with pytest.raises(ValueError, match=message):
        complexity.macs(layer)


def test_a_rule_can_be_added(monkeypatch):
    layer = Tensordot()
    layer.build((None, 5, 10))
    rule = lambda _, shapes, output: math.prod(output) * shapes[1][0]  # noqa: E731
    monkeypatch.setitem(complexity.RULES, "Tensordot", rule)
    assert complexity.macs(layer) == 5 * 10 * 3


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
def test_batch_norm_counts_the_same_without_scale_or_offset(scale, center):
    layer = layers.BatchNormalization(scale=scale, center=center)
    layer.build((None, 4, 5, 3))
    assert complexity.macs(layer) == 4 * 5 * 3
    chain = Chain([layers.Conv2D(3, 1, use_bias=False), layer])
    chain.build((None, 4, 5, 3))
    assert complexity.macs(chain) == 4 * 5 * 3 * 3 + 4 * 5 * 3


class Opaque(layers.Layer):
    """Can be called with real tensors alone."""

    def __init__(self, shape, inner=None):
        super().__init__(name="opaque")
        self.shape, self.inner = shape, inner

    def build(self, input_shape):
        self.add_weight(self.shape)

    def call(self, inputs):
        raise TypeError("symbolic")


def test_a_layer_that_needs_real_tensors_costs_nothing_if_it_has_no_matrix():
    layer = Opaque((3,))
    layer.build((None, 3))
    assert complexity.macs(layer, (None, 3)) == 0


@pytest.mark.parametrize("layer", [Opaque((3, 3)), Opaque((3,), layers.ReLU())])
def test_one_that_may_multiply_by_a_matrix_is_refused(layer):
    layer.build((None, 3))
    with pytest.raises(UserError, match="opaque, a Opaque, cannot be counted.*TypeErr"):
        complexity.macs(layer, (None, 3))
