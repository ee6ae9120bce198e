"""Residual: a block whose branches run or not, image by image."""

import keras
import numpy as np
import pytest
import tiny_wrapped
from keras import layers

from tfdyn.families.wrapped.residual import Residual
from tfdyn.layers.mixed_op import MixedOp

IMAGES = tiny_wrapped.images((4, 4, 3), rows=4)
ONES = np.ones((4, 1), "float32")
SOME = np.asarray([[1], [0], [1], [0]], "float32")


def conv(name):
    layer = layers.Conv2D(3, 3, padding="same", name=name)
    operation = keras.saving.serialize_keras_object(layer)
    return {
        "name": name,
        "operation": operation,
        "args": [{"tensor": "x"}],
        "kwargs": {},
    }


def relu(reads):
    operation = keras.saving.serialize_keras_object(layers.ReLU(name="relu"))
    args = [{"tensor": reads}]
    return {"name": "relu", "operation": operation, "args": args, "kwargs": {}}


def make(*arguments, **options):
    block = Residual(*arguments, name="block", **options)
    block.build((None, 4, 4, 3))
    return tiny_wrapped.randomize(block)


def test_a_branch_is_added_for_the_images_that_run_it():
    block = make([], [[conv("a")]])
    branch = np.asarray(block.mixed_op.branches[0](IMAGES))
    outputs = block(IMAGES, {"block": SOME})
    np.testing.assert_array_equal(outputs, IMAGES + branch * SOME[..., None, None])
    assert [branch.name for branch in block.mixed_op.branches] == ["branch"]


def test_a_shortcut_always_runs_and_is_a_module():
    block = make([conv("side")], [[conv("a")]])
    assert block.shortcut.kind == "preprocess"
    outputs = block(IMAGES, {"block": 0 * ONES})
    np.testing.assert_array_equal(outputs, block.shortcut(IMAGES))


def test_an_optional_shortcut_runs_by_its_own_weight():
    block = make([conv("side")], [[conv("a")]], optional=True)
    assert isinstance(block.shortcut, MixedOp)
    assert block.shortcut.name == "block_shortcut_gate"
    weights = {"block": ONES, "block_shortcut_gate": SOME}
    side = np.asarray(block.shortcut.branches[0](IMAGES)) * SOME[..., None, None]
    branch = np.asarray(block.mixed_op.branches[0](IMAGES))
    np.testing.assert_array_equal(block(IMAGES, weights), side + branch)


def test_branches_of_one_block_run_independently():
    block = make([], [[conv("a")], [conv("b")]])
    names = [branch.name for branch in block.mixed_op.branches]
    assert names == ["branch_0", "branch_1"]
    weights = np.concatenate([SOME, 1 - SOME], axis=1)
    one, two = (np.asarray(branch(IMAGES)) for branch in block.mixed_op.branches)
    expected = IMAGES + np.where(SOME[..., None, None] > 0, one, two)
    np.testing.assert_array_equal(block(IMAGES, {"block": weights}), expected)


def test_activations_come_after_the_sum():
    block = make([], [[conv("a")]], [relu("sum")])
    outputs = block(IMAGES, {"block": 0 * ONES})
    np.testing.assert_array_equal(outputs, np.maximum(IMAGES, 0))


@pytest.mark.parametrize("optional", [False, True])
def test_its_configuration_makes_it_again(optional):
    block = make([conv("side")], [[conv("a")]], [relu("sum")], optional=optional)
    again = Residual.from_config(block.get_config())
    again.build((None, 4, 4, 3))
    again.set_weights(block.get_weights())
    weights = {"block": SOME, "block_shortcut_gate": ONES}
    np.testing.assert_array_equal(again(IMAGES, weights), block(IMAGES, weights))
    assert again.compute_output_shape((2, 4, 4, 3)) == (2, 4, 4, 3)
