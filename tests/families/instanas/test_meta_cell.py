"""MetaCell: the sum of what is selected, or the input."""

import numpy as np
import pytest

from export.graph import gating
from tfdyn.families.instanas.meta_cell import MetaCell
from tfdyn.families.instanas.search_space import MODULES
from tfdyn.layers import execution

INPUTS = np.random.default_rng(0).normal(size=(4, 6, 6, 8)).astype("float32")
WEIGHTS = np.zeros((4, 5), "float32")
WEIGHTS[1, 0] = WEIGHTS[2, 1:3] = WEIGHTS[3] = 1


def make(passes_on=True, filters=8):
    modules = [make(8, filters, 1) for make in MODULES.values()]
    cell = MetaCell(modules, passes_on)
    cell.build(INPUTS.shape)
    return cell


@pytest.mark.parametrize("by", [execution.dense, execution.dispatched])
@pytest.mark.parametrize("passes_on", [True, False])
def test_selected_modules_are_summed(passes_on, by):
    cell = make(passes_on)
    terms = [np.asarray(module(INPUTS)) for module in cell.mixed_op.branches]
    expected = sum(map(np.multiply, WEIGHTS.T[..., None, None, None], terms))
    if passes_on:
        expected[0] = INPUTS[0]
    with execution.scope(by):
        outputs = np.asarray(cell(INPUTS, WEIGHTS))
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


@pytest.mark.parametrize("by", [gating.gated, gating.ungated])
def test_one_image_at_a_time(by):
    cell = make()
    expected = np.asarray(cell(INPUTS, WEIGHTS))
    for row in range(4):
        with execution.scope(by):
            outputs = cell(INPUTS[row : row + 1], WEIGHTS[row : row + 1])
        np.testing.assert_allclose(outputs[0], expected[row], atol=1e-5)


def test_a_cell_that_changes_the_shape_cannot_pass_its_input_on():
    with pytest.raises(ValueError, match=r"\(6, 6, 8\), the output \(6, 6, 9\)"):
        make(True, filters=9)
    assert make(False, filters=9).compute_output_shape(INPUTS.shape) == (4, 6, 6, 9)
