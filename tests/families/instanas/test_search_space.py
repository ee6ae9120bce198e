"""The modules of InstaNAS's cells."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.instanas.search_space import (
    FALLBACK,
    MOBILENETV2,
    MODULES,
    BasicConv,
    MBConv,
)

INPUTS = np.random.default_rng(0).normal(size=(2, 8, 8, 6)).astype("float32")


def norms(*widths):
    return sum(2 * width for width in widths)


def test_there_are_the_five_of_the_paper():
    kernels = {name: make(4, 6, 2) for name, make in MODULES.items()}
    assert len(kernels) == 5 and {FALLBACK, MOBILENETV2} < kernels.keys()
    assert isinstance(kernels.pop(FALLBACK), BasicConv)
    shapes = {(module.kernel_size, module.width) for module in kernels.values()}
    assert shapes == {(3, 12), (3, 24), (5, 12), (5, 24)}
    assert [name for name, make in MODULES.items() if make(4, 6, 2).name != name] == []


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_parameters_of_an_inverted_residual(kernel_size):
    layer = MBConv(10, 36, kernel_size, strides=2)
    layer.build(INPUTS.shape)
    expected = 6 * 36 + kernel_size**2 * 36 + 36 * 10
    assert complexity.params(layer) == expected + norms(36, 36, 10)


@pytest.mark.parametrize(
    ("filters", "strides", "has_shortcut"), [(6, 1, True), (6, 2, False), (8, 1, False)]
)
def test_a_module_has_its_own_shortcut_where_shapes_allow(
    filters, strides, has_shortcut
):
    layer = MBConv(filters, 12, 3, strides)
    layer.build(INPUTS.shape)
    layer.chain[-1].gamma.assign(0 * layer.chain[-1].gamma)  # Nothing is added.
    outputs = np.asarray(layer(INPUTS))
    np.testing.assert_array_equal(
        outputs, INPUTS if has_shortcut else np.zeros_like(outputs)
    )


def test_a_basic_convolution_is_two_of_3x3_without_a_shortcut():
    layer = BasicConv(6)
    layer.build(INPUTS.shape)
    assert complexity.params(layer) == 2 * 9 * 6 * 6 + norms(6, 6)
    layer.chain[-2].gamma.assign(0 * layer.chain[-2].gamma)
    assert not np.asarray(layer(INPUTS)).any()
    assert BasicConv(6, 2).compute_output_shape((None, 9, 9, 4)) == (None, 5, 5, 6)
