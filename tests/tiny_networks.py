"""Tiny networks for tests, and how their outputs are run and compared."""

import keras
import numpy as np

from tfdyn.costs.cost_table import CostTable
from tfdyn.families.dmnn.dmnn import DMNN
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.families.instanas.instanas import InstaNAS
from tfdyn.layers import execution

ROWS = 6
IMAGES = np.random.default_rng(0).normal(size=(ROWS, 8, 8, 1)).astype("float32")


def make(**changes):
    settings = {"input_shape": (8, 8, 1), "num_classes": 3, "filters": 4}
    settings |= {"num_cells": 2, "num_nodes": 2, "seed": 0}
    return DRNet(**{**settings, **changes})


def make_dmnn(**changes):
    settings = {"input_shape": (8, 8, 1), "num_classes": 3, "stem": "small"}
    settings |= {"stages": [(6, 3, 2, 1), (8, 4, 2, 2)], "stem_filters": 4, "seed": 0}
    return DMNN(**{**settings, **changes})


def make_instanas(**changes):
    settings = {"input_shape": (8, 8, 1), "num_classes": 3, "stem_filters": 4}
    settings |= {"stages": [(4, 2, 1), (6, 1, 2)], "head_filters": 10, "seed": 0}
    return InstaNAS(**{**settings, **changes})


def sharpen(model, scale=15.0):
    """Makes untrained routers choose, each image its own branches."""
    if isinstance(model, DMNN):
        return _balance(model, scale)
    if isinstance(model, InstaNAS):
        # Each module runs for half of the images.
        *_, dense, _ = model.router.chain
        dense.kernel.assign(scale * dense.kernel)
        logits = np.asarray(model.router(IMAGES)).reshape(ROWS, -1)
        dense.bias.assign(-np.median(logits, axis=0))
        return model
    for cell in model.cells:
        *_, dense, _ = cell.router.chain
        dense.kernel.assign(scale * dense.kernel)
    return model


def _balance(model, scale):
    """Lets each gate open for half of the images."""
    outputs, state = model.stem(IMAGES), None
    for router, block in zip(model.routers, model.blocks, strict=False):
        see = [outputs, state] if router.previous_state else outputs
        router.decide.kernel.assign(scale * router.decide.kernel)
        logits, state, *_ = router(see)
        off, on = np.moveaxis(np.asarray(logits), -1, 0)
        shift = np.median(on - off, axis=0)
        if router.moved_bias:
            router.bias.assign(router.bias - shift)
        else:
            router.decide.bias.assign(np.stack([shift, 0 * shift], axis=-1).ravel())
        outputs = block(outputs, model.selection(router(see)[0]))
    return model


def latency_table(model):
    """A table in ms, gates and a remainder included, as a device would give it."""
    table = CostTable.count(model.modules)
    for entry in table.modules.values():
        entry["cost"] = 1e-5 * entry["cost"] + 0.01
    gate = {"taken": 0.003, "not_taken": 0.001}
    return CostTable("ms", table.modules, gate, remainder=0.05)


def random_route(model, seed):
    random = np.random.default_rng(seed)
    (branches,) = {len(op.branches) for op in model.mixed_ops}
    weights = random.random((len(model.mixed_ops), ROWS, branches), "float32")
    weights *= random.random(weights.shape) < 0.4
    if model.binary:
        weights = np.sign(weights)
    return {op.name: w for op, w in zip(model.mixed_ops, weights, strict=True)}


def run(function, *args, by=execution.dense, **kwargs):
    with execution.scope(by):
        outputs = function(*args, **kwargs)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


def assert_same(ours, theirs, atol=1e-5):
    keras.tree.assert_same_structure(ours, theirs)
    for one, other in zip(
        keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=atol)
