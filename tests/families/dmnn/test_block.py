"""Block: a shortcut plus the sub-blocks that run."""

import numpy as np
import pytest

from tfdyn.families.dmnn.block import Block
from tfdyn.families.dmnn.sub_blocks import Bottleneck, InvertedResidual
from tfdyn.layers import execution

INPUTS = np.random.default_rng(0).normal(size=(4, 6, 6, 8)).astype("float32")
WEIGHTS = np.asarray([[0, 0], [1, 0], [0, 1], [1, 1]], "float32")
KINDS = [Bottleneck, InvertedResidual]


CHANGES = {
    "identity": {},
    "projection": {"filters": 12, "strides": 2},
    "folded": {"filters": 4},
    "none": {"filters": 12, "strides": 2},
}


def make(kind, shortcut, filters=8, strides=1):
    names = ("sub_block_0", "sub_block_1")
    block = Block([kind(filters, 4, strides, name=n) for n in names], shortcut)
    block.build(INPUTS.shape)
    return block


def shortcut_of(block):
    if block.shortcut == "none":
        return np.float32(0)
    if block.shortcut == "folded":
        return (INPUTS[..., :4] + INPUTS[..., 4:]) / 2
    return np.asarray(block.projection(INPUTS)) if block.projection else INPUTS


@pytest.mark.parametrize("by", [execution.dense, execution.dispatched])
@pytest.mark.parametrize("shortcut", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_those_of_equation_4(kind, shortcut, by):
    block = make(kind, shortcut, **CHANGES[shortcut])
    terms = [np.asarray(branch(INPUTS)) for branch in block.mixed_op.branches]
    scales = WEIGHTS.T[..., None, None, None]
    expected = shortcut_of(block) + sum(map(np.multiply, scales, terms))
    if kind is Bottleneck:
        expected = np.maximum(expected, 0)
    with execution.scope(by):
        outputs = block(INPUTS, WEIGHTS)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    assert block.compute_output_shape(INPUTS.shape) == outputs.shape


def test_where_nothing_runs_the_input_is_passed_on():
    block = make(InvertedResidual, "identity")
    np.testing.assert_array_equal(block(INPUTS, 0 * WEIGHTS), INPUTS)


def test_an_unknown_shortcut_is_an_error():
    with pytest.raises(
        ValueError, match="identity, projection, folded, none; got 'pool'"
    ):
        make(Bottleneck, "pool")
