"""Quantization: a scope sees each activation once, and nothing happens outside it."""

import keras
import numpy as np
from tiny_networks import IMAGES, make_dmnn

from tfdyn.layers import quantization
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn


class Doubling(quantization.Quantization):
    """Doubles each activation, and keeps its place."""

    def __init__(self):
        self.places = []

    def point(self, tensor, layer, place):
        self.places.append((layer.name, place))
        return 2 * tensor


def test_a_convolution_its_norm_and_its_relu_are_one_place():
    layers = [*conv_bn(4), keras.layers.ReLU(), keras.layers.MaxPooling2D(2)]
    chain = Chain([keras.layers.ReLU(), *layers, *conv_bn(2)], name="chain")
    chain.build((None, 8, 8, 1))
    doubling = Doubling()
    with quantization.scope(doubling):
        chain(IMAGES)
    assert doubling.places == [("chain", 0), ("chain", 3), ("chain", 6)]


def test_outside_a_scope_and_in_an_inner_one_of_none_nothing_happens():
    model = make_dmnn()
    expected = model(IMAGES)["logits"]
    with quantization.scope(Doubling()):
        changed = model(IMAGES)["logits"]
        with quantization.scope(None):
            same = model(IMAGES)["logits"]
    np.testing.assert_array_equal(same, expected)
    assert np.abs(changed - expected).max() > 1e-3
    np.testing.assert_array_equal(model(IMAGES)["logits"], expected)
