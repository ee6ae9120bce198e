"""Sub-blocks: their sizes are those of the paper's equations."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.dmnn.sub_blocks import Bottleneck, InvertedResidual


def norms(*widths):
    return sum(2 * width for width in widths)


@pytest.mark.parametrize(("filters", "width"), [(256, 64), (20, 8)])
def test_a_bottleneck_has_the_parameters_of_equation_1(filters, width):
    layer = Bottleneck(filters, width)
    layer.build((None, 8, 8, 48))
    expected = 48 * width + 9 * width * width + width * filters
    assert complexity.params(layer) == expected + norms(width, width, filters)


def test_the_stride_of_a_bottleneck_is_that_of_its_3x3_convolution():
    layer = Bottleneck(12, 4, strides=2)
    layer.build((None, 8, 8, 6))
    macs = 64 * (6 * 4 + 4) + 16 * (9 * 4 * 4 + 4 + 4 * 12 + 12)
    assert complexity.macs(layer) == macs
    assert layer.compute_output_shape((None, 9, 9, 6)) == (None, 5, 5, 12)


def test_halves_of_an_inverted_residual_are_as_large_as_the_whole():
    def weights(width):
        layer = InvertedResidual(24, width, strides=2)
        layer.build((None, 8, 8, 16))
        return complexity.params(layer) - norms(width, width, 24)

    assert 2 * weights(3 * 16) == weights(6 * 16) == (16 + 9 + 24) * 96


def test_without_expansion_the_depthwise_convolution_is_first():
    layer = InvertedResidual(16, 32, expand=False)
    layer.build((None, 8, 8, 32))
    assert complexity.params(layer) == 9 * 32 + 32 * 16 + norms(32, 16)


@pytest.mark.parametrize("layer", [Bottleneck(6, 4), InvertedResidual(6, 8)])
def test_a_sub_block_is_linear_at_its_end(layer):
    inputs = np.random.default_rng(0).normal(size=(2, 8, 8, 6)).astype("float32")
    assert (np.asarray(layer(inputs)) < 0).mean() > 0.2
