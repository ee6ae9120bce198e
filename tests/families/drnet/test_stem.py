"""The stems of DRNet."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.drnet.stem import ImageNetStem, Stem


def test_stem_returns_both_inputs_of_the_first_cell():
    stem = Stem(12)
    older, newer = stem(np.random.default_rng(0).random((2, 9, 9, 3), "float32"))
    assert older.shape == (2, 9, 9, 12)
    np.testing.assert_array_equal(older, newer)
    assert complexity.macs(stem) == 81 * 12 * (9 * 3 + 1)


@pytest.mark.parametrize(
    ("side", "quarter", "eighth"), [(64, 16, 8), (65, 17, 9), (224, 56, 28)]
)
def test_imagenet_stem_divides_by_four_and_eight(side, quarter, eighth):
    stem = ImageNetStem(6)
    shape = (1, side, side, 3)
    outputs = stem(np.ones(shape, "float32"))
    assert [tuple(output.shape) for output in outputs] == [
        (1, quarter, quarter, 6),
        (1, eighth, eighth, 6),
    ]
    assert stem.compute_output_shape(shape) == tuple(map(lambda x: x.shape, outputs))


def test_imagenet_stem_is_three_convolutions_with_relu_between():
    stem = ImageNetStem(6)
    stem.build((None, 64, 64, 3))
    chain = [*stem.quarter.chain, *stem.eighth.chain]
    convolution = ["Conv2D", "BatchNormalization"]
    kinds = [*convolution, "ReLU"] * 2 + convolution
    assert [type(layer).__name__ for layer in chain] == kinds
    convolutions = [(32, 3, 3), (16, 3, 6), (8, 6, 6)]
    macs = sum(side**2 * out * (9 * into + 1) for side, into, out in convolutions)
    assert complexity.macs(stem) == macs
