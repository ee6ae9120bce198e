"""Modules of a network."""

import keras
import pytest
from keras import layers

from tfdyn.families.drnet.branches import PAPER_BRANCHES
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.layers.mixed_op import MixedOp
from tfdyn.layers.modules import KINDS, Module, find_modules


@pytest.fixture(scope="module")
def model():
    return DRNet((8, 8, 1), 3, num_cells=2, filters=4, num_nodes=1)


def test_every_module_of_a_network_is_found_once(model):
    modules = find_modules(model)
    names = [module.name for module in modules]
    assert len(set(names)) == len(names)
    ops = ["cell_0_node_2_from_0", "cell_0_node_2_from_1"]
    branches = [f"{op}/{branch}" for op in ops for branch in PAPER_BRANCHES]
    inside = [name.split("/", 1)[1] for name in names if name.startswith("cell_0/")]
    assert inside == ["preprocess_0", "preprocess_1", *branches, "router"]
    assert names[0] == "stem" and names[-1] == "head"
    assert not any("auxiliary" in name for name in names)


def test_kinds(model):
    modules = find_modules(model)
    assert {module.kind for module in modules} == set(KINDS)
    for module in modules:
        assert (module.kind == "branch") == (module.mixed_op is not None)


def test_branches_name_their_mixed_op_in_its_order(model):
    for op in model.mixed_ops:
        op_layers = [m.layer for m in find_modules(model) if m.mixed_op == op.name]
        assert len(op_layers) == len(op.branches)
        assert all(a is b for a, b in zip(op_layers, op.branches, strict=True))


def test_what_is_in_no_module_costs_nothing():
    class Head(layers.Dense):
        kind = "head"

    class Block(keras.layers.Layer):
        def __init__(self):
            super().__init__(name="block")
            self.gate = layers.Dense(1)
            self.ops = [MixedOp([layers.ReLU(name="relu")], name="op")]

    class Network(keras.Model):
        def __init__(self):
            super().__init__()
            self.block, self.top = Block(), Head(2, name="top")

    network = Network()
    assert find_modules(network) == [
        Module("block/op/relu", "branch", network.block.ops[0].branches[0], "op"),
        Module("top", "head", network.top),
    ]
