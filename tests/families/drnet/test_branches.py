"""Candidate branches."""

import math

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.drnet.branches import (
    BRANCHES,
    SeparableConv,
    SkipConnection,
    make_branches,
)


@pytest.mark.parametrize("name", BRANCHES)
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("side", [7, 8])
def test_all_branches_give_one_shape(name, strides, side):
    branch = BRANCHES[name](4, strides)
    side_out = math.ceil(side / strides)
    outputs = branch(np.ones((2, side, side, 4), "float32"))
    assert branch.name == name
    assert tuple(outputs.shape) == (2, side_out, side_out, 4)
    shape = branch.compute_output_shape((None, side, side, 4))
    assert tuple(shape) == (None, side_out, side_out, 4)


def test_skip_connection_keeps_every_second_pixel():
    images = np.random.default_rng(0).random((2, 5, 5, 3), "float32")
    np.testing.assert_array_equal(SkipConnection()(images), images)
    np.testing.assert_array_equal(SkipConnection(2)(images), images[:, ::2, ::2])


def test_skip_connection_of_unknown_size():
    shape = SkipConnection(2).compute_output_shape((None, None, 5, 3))
    assert shape == (None, None, 3, 3)


def test_separable_conv_is_two_times_relu_depthwise_pointwise_norm():
    branch = SeparableConv(4, 3, strides=2)
    kinds = [type(layer).__name__ for layer in branch.chain]
    assert kinds == ["ReLU", "DepthwiseConv2D", "Conv2D", "BatchNormalization"] * 2
    branch.build((None, 8, 8, 4))
    assert complexity.macs(branch) == 2 * 16 * (9 * 4 + 4 * 4 + 4)
    assert complexity.params(branch) == 2 * (9 * 4 + 4 * 4 + 2 * 4)


def test_make_branches():
    names = ["skip_connection", "sep_conv_3x3"]
    skip, conv = make_branches(names, 6, 2)
    assert (skip.name, conv.name) == tuple(names)
    assert (skip.strides, conv.strides, conv.filters) == (2, 2, 6)
    assert make_branches(names, 6, 2)[1] is not conv


@pytest.mark.parametrize(
    ("names", "got"),
    [
        (["sep_conv_7x7"], "got sep_conv_7x7"),
        (["skip_connection", "skip_connection"], "got skip_connection, skip_"),
        ([], "got none"),
    ],
)
def test_make_branches_refuses(names, got):
    with pytest.raises(ValueError, match=f"max_pool_3x3.*{got}"):
        make_branches(names, 4, 1)
