"""Candidate branches."""

import math

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.drnet.branches import (
    BRANCHES,
    PAPER_BRANCHES,
    SeparableConv,
    SkipConnection,
    make_branches,
)
from tfdyn.families.drnet.drnet import DRNet


@pytest.mark.parametrize("name", BRANCHES)
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("side", [7, 8])
def test_all_branches_give_one_shape(name, strides, side):
    branch = BRANCHES[name](4, strides, name)
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


def test_branches_of_one_kind_have_names_and_weights_of_their_own():
    kinds = ["sep_conv_3x3", "skip_connection", *["sep_conv_3x3"] * 2]
    branches = make_branches([*kinds, "skip_connection"], 4, 1)
    assert [branch.name for branch in branches] == [
        "sep_conv_3x3",
        "skip_connection",
        "sep_conv_3x3_2",
        "sep_conv_3x3_3",
        "skip_connection_2",
    ]
    images = np.random.default_rng(0).normal(size=(2, 5, 5, 4)).astype("float32")
    first, _, second, third, _ = (np.asarray(branch(images)) for branch in branches)
    assert (first != second).any() and (second != third).any()


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("pool", ["max_pool_3x3", "avg_pool_3x3"])
def test_norm_after_a_pool_has_no_scale_and_no_offset(pool, strides):
    plain, normed = make_branches([pool, f"{pool}_norm"], 4, strides)
    images = np.random.default_rng(0).normal(3, 2, (8, 6, 6, 4)).astype("float32")
    pooled = np.asarray(plain(images))
    outputs = np.asarray(normed(images, training=True))
    scale = pooled.std(axis=(0, 1, 2)) + 1e-5
    expected = (pooled - pooled.mean(axis=(0, 1, 2))) / scale
    np.testing.assert_allclose(outputs, expected, atol=1e-3)
    assert not normed.trainable_weights
    assert complexity.macs(normed) == (9 + 1) * pooled[0].size


def test_the_candidates_of_the_paper_stay_the_default():
    assert len(PAPER_BRANCHES) == 5 and not any(
        "norm" in kind for kind in PAPER_BRANCHES
    )
    assert DRNet((8, 8, 1), 3, 1, 4, 1).get_config()["branches"] == [*PAPER_BRANCHES]


@pytest.mark.parametrize(
    ("names", "got"),
    [
        (["sep_conv_7x7"], "got sep_conv_7x7"),
        (["skip_connection", "skip_connection_2"], "got skip_connection, skip_"),
        ([], "got none"),
    ],
)
def test_make_branches_refuses(names, got):
    with pytest.raises(ValueError, match=f"max_pool_3x3.*{got}"):
        make_branches(names, 4, 1)
