"""Heads."""

import numpy as np

from tfdyn.layers.heads import ClassifierHead, ConvolutionHead


def test_classifier_is_a_matrix_on_the_mean():
    head = ClassifierHead(10)
    images = np.random.default_rng(0).normal(size=(3, 4, 4, 6)).astype("float32")
    logits = head(images)
    matrix, shift = head.get_weights()
    expected = images.mean(axis=(1, 2)) @ matrix + shift
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_convolution_head_is_that_of_mobilenetv2():
    head = ConvolutionHead(1280, 1000)
    head.build((None, 7, 7, 320))
    kinds = ["Conv2D", "BatchNormalization", "ReLU", "GlobalAveragePooling2D", "Dense"]
    assert [type(layer).__name__ for layer in head.chain] == kinds
    assert head.chain[2].max_value == 6
    assert head.count_params() - 2 * 1280 == 320 * 1280 + 2 * 1280 + 1281 * 1000
