"""The stem of residual networks."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.layers.stem import ResidualStem


@pytest.mark.parametrize(
    ("arguments", "side"), [((7, 2, True), 56), ((3, 2), 112), ((3, 1, True), 112)]
)
def test_residual_stem_is_convolution_and_pool(arguments, side):
    stem = ResidualStem(4, *arguments, max_value=0.5)
    images = np.random.default_rng(0).normal(size=(1, 224, 224, 3)).astype("float32")
    outputs = np.asarray(stem(images))
    assert outputs.shape == (1, side, side, 4)
    assert (outputs.min(), outputs.max()) == (0, 0.5)
    size, strides = arguments[:2]
    convolution = (224 // strides) ** 2 * 4 * (size * size * 3 + 1)
    pool = side * side * 4 * 9 if len(arguments) == 3 else 0
    assert complexity.macs(stem) == convolution + pool
