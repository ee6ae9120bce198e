"""Sub-blocks: their sizes are those of the paper's equations."""

import keras
import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.dmnn.sub_blocks import (
    Bottleneck,
    Channels,
    InvertedResidual,
    bottlenecks,
    inverted_residuals,
)


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


def test_channels_are_a_part_of_the_input():
    inputs = np.arange(24, dtype="float32").reshape(1, 2, 2, 6)
    layer = Channels(2, 5)
    np.testing.assert_array_equal(layer(inputs), inputs[..., 2:5])
    assert layer.compute_output_shape(inputs.shape) == (1, 2, 2, 3)
    assert complexity.macs(layer, inputs.shape) == 0
    again = Channels.from_config(layer.get_config())
    assert (again.start, again.stop) == (2, 5)


def total(layers, count):
    """The parameters and MACs of sub-blocks, without those of batch norm."""
    sizes = []
    for layer in layers:
        layer.build((None, 4, 4, 32))
        norms = [c for c in layer.chain if "BatchNorm" in type(c).__name__]
        params = complexity.params(layer) - sum(map(complexity.params, norms))
        sizes.append(
            (params, complexity.macs(layer) - sum(map(complexity.macs, norms)))
        )
    assert len(sizes) == count
    return np.sum(sizes, axis=0).tolist()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 32])
@pytest.mark.parametrize("expansion", [1, 6])
def test_sub_blocks_are_together_as_large_as_the_whole_block(expansion, count):
    arguments = {"channels": 32, "filters": 16, "strides": 1, "divide_inputs": True}
    whole = inverted_residuals(width=expansion, count=1, **arguments)
    parts = inverted_residuals(width=expansion / count, count=count, **arguments)
    # The widths of sub-blocks are whole numbers: 32 * 6 / 5 is no such.
    assert total(parts, count) == pytest.approx(total(whole, 1), rel=0.02)
    assert all(part.expand == (expansion == 6) for part in parts)


def test_divided_sub_blocks_read_every_channel_once():
    parts = inverted_residuals(10, 4, 1 / 3, 1, 3, divide_inputs=True)
    assert [part.part for part in parts] == [(0, 3), (3, 6), (6, 10)]
    assert [part.name for part in parts] == [f"sub_block_{i}" for i in range(3)]
    config = keras.saving.serialize_keras_object(parts[1])
    assert tuple(keras.saving.deserialize_keras_object(config).part) == (3, 6)


def test_without_division_each_has_a_convolution_more():
    parts = inverted_residuals(10, 4, 0.5, 1, 2)
    assert all(part.expand and part.width == 5 and not part.part for part in parts)
    assert not inverted_residuals(10, 4, 1, 1, 1)[0].expand


def test_more_sub_blocks_than_channels_are_refused():
    with pytest.raises(ValueError, match="10 input channels .* into 11 sub-blocks"):
        inverted_residuals(10, 4, 1 / 11, 1, 11, divide_inputs=True)


def test_bottlenecks_of_a_block_are_alike():
    first, second = bottlenecks(10, 8, 4, 2, 2)
    assert {**first.get_config(), "name": "sub_block_1"} == second.get_config()
