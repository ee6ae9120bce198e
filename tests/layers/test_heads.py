"""Heads."""

import numpy as np
import pytest

from tfdyn.layers.heads import (
    AuxiliaryHead,
    CategoryHeads,
    ClassifierHead,
    ConvolutionHead,
)


def test_classifier_is_a_matrix_on_the_mean():
    head = ClassifierHead(10)
    images = np.random.default_rng(0).normal(size=(3, 4, 4, 6)).astype("float32")
    logits = head(images)
    matrix, shift = head.get_weights()
    expected = images.mean(axis=(1, 2)) @ matrix + shift
    np.testing.assert_allclose(logits, expected, atol=1e-5)


@pytest.mark.parametrize("side", [2, 3, 4, 7, 8, 9, 14])
def test_auxiliary_head_pools_to_2x2(side):
    head = AuxiliaryHead(side, 10)
    pool = head.chain[1]
    shape = (None, side, side, 6)
    assert pool.compute_output_shape(shape) == (None, 2, 2, 6)
    assert pool.pool_size == (min(5, side - 1),) * 2
    head.build(shape)
    assert head(np.ones((2, side, side, 6), "float32")).shape == (2, 10)


@pytest.mark.parametrize(("side", "strides"), [(7, 2), (8, 3)])
def test_auxiliary_head_is_that_of_darts(side, strides):
    head = AuxiliaryHead(side, 10)
    block = ["Conv2D", "BatchNormalization", "ReLU"]
    kinds = ["ReLU", "AveragePooling2D", *block, *block]
    kinds += ["GlobalAveragePooling2D", "Dense"]
    assert [type(layer).__name__ for layer in head.chain] == kinds
    pool, first, second = head.chain[1], head.chain[2], head.chain[5]
    assert (pool.pool_size, pool.strides) == ((5, 5), (strides, strides))
    assert (first.filters, first.kernel_size) == (128, (1, 1))
    assert (second.filters, second.kernel_size) == (768, (2, 2))


def test_auxiliary_head_refuses_a_single_pixel():
    with pytest.raises(ValueError, match="at least 2x2; got 1x1"):
        AuxiliaryHead(1, 10)


def test_convolution_head_is_that_of_mobilenetv2():
    head = ConvolutionHead(1280, 1000)
    head.build((None, 7, 7, 320))
    kinds = ["Conv2D", "BatchNormalization", "ReLU", "GlobalAveragePooling2D", "Dense"]
    assert [type(layer).__name__ for layer in head.chain] == kinds
    assert head.chain[2].max_value == 6
    assert head.count_params() - 2 * 1280 == 320 * 1280 + 2 * 1280 + 1281 * 1000


def test_every_router_has_a_category_head_of_its_own():
    heads, states = CategoryHeads(3), np.random.default_rng(0).random((4, 2, 5), "f4")
    logits = heads(list(states))
    assert logits.shape == (2, 4, 3)
    for index, state in enumerate(states):
        matrix, shift = heads.heads[index].get_weights()
        np.testing.assert_allclose(logits[:, index], state @ matrix + shift, atol=1e-5)
