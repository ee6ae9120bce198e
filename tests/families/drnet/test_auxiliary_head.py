"""The auxiliary head of DRNet."""

import numpy as np
import pytest

from tfdyn.families.drnet.auxiliary_head import AuxiliaryHead


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
