"""ImageRouter, in the paper's form and in that of its authors' code."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.instanas.router import ImageRouter, ResidualUnit


def make(**changes):
    router = ImageRouter(17, 5, **changes)
    router.build((None, 32, 32, 3))
    return router


@pytest.mark.parametrize("form", ["large_kernels", "residual"])
@pytest.mark.parametrize("pool", [1, 2])
def test_it_gives_logits_for_each_module_of_each_cell(form, pool):
    images = np.random.default_rng(0).random((4, 32, 32, 3), "float32")
    logits = np.asarray(make(form=form, pool=pool)(images))
    assert logits.shape == (4, 17, 5) and logits.dtype == "float32"
    assert len(np.unique(logits, axis=0)) == 4


def test_the_papers_has_three_layers_with_large_kernels():
    router = make()
    kernels = [w.shape for w in router.weights if len(w.shape) == 4]
    assert kernels == [(7, 7, 3, 16), (5, 5, 16, 32), (5, 5, 32, 64)]
    # 2.4 % of MobileNetV2's MACs on such images.
    assert complexity.macs(router) < 0.025 * 94e6


def test_the_codes_has_three_residual_blocks():
    units = [
        each for each in make(form="residual").chain if isinstance(each, ResidualUnit)
    ]
    assert [(unit.filters, unit.strides) for unit in units] == [
        (16, 1),
        (32, 2),
        (64, 2),
    ]


def test_normalized_it_tells_apart_what_differs_little():
    images = 10 + 0.1 * np.random.default_rng(0).random((8, 32, 32, 3), "float32")
    spreads = []
    for normalized in (False, True):
        logits = np.asarray(make(normalized=normalized)(images, training=True))
        spreads.append(np.std(logits, axis=0).mean() / np.std(logits))
    assert spreads[0] < 0.4 < 0.7 < spreads[1]


def test_a_residual_unit_adds_its_shortcut():
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 6)).astype("float32")
    unit = ResidualUnit(6)
    unit.build(images.shape)
    unit.chain[-1].gamma.assign(0 * unit.chain[-1].gamma)
    np.testing.assert_array_equal(unit(images), np.maximum(images, 0))


def test_a_pool_makes_it_cheaper():
    assert complexity.macs(make(pool=2)) < 0.4 * complexity.macs(make())


def test_an_unknown_form_is_an_error():
    with pytest.raises(ValueError, match="large_kernels, residual; got 'small'"):
        ImageRouter(2, 2, "small")
