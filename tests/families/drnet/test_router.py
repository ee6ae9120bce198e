"""Router."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.drnet.router import Router


def test_gives_each_example_logits_of_its_own():
    router = Router(4, connections=3, branches=5)
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 8)).astype("float32")
    logits = np.asarray(router(images))
    assert logits.shape == (4, 3, 5)
    np.testing.assert_allclose(router(images[1:2])[0], logits[1], atol=1e-5)
    assert len(np.unique(logits[:, 0, 0])) == 4


@pytest.mark.parametrize("side", [1, 5, 7])
def test_takes_maps_of_any_size(side):
    assert Router(4, 3, 5)(np.ones((2, side, side, 8), "float32")).shape == (2, 3, 5)


def test_is_two_blocks_a_mean_and_a_matrix():
    router = Router(4, connections=3, branches=5)
    router.build((None, 8, 8, 8))
    block = ["Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU"]
    kinds = [*block, *block, "GlobalAveragePooling2D", "Dense", "Reshape"]
    assert [type(layer).__name__ for layer in router.chain] == kinds
    first = 64 * 8 * 4 + 16 * (25 * 4 + 4)
    second = 16 * 4 * 16 + 4 * (25 * 16 + 16)
    assert complexity.macs(router) == first + second + 16 * 15
    weights = (8 * 4 + 25 * 4 + 2 * 4) + (4 * 16 + 25 * 16 + 2 * 16) + (16 * 15 + 15)
    assert complexity.params(router) == weights
