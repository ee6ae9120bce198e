"""Check of a precision: a convolution of another one is found, wherever it stands."""

import pytest

from export.checks import precision_check
from tfdyn.errors import UserError

FLOAT, HALF = ("FLOAT32", "FLOAT32"), ("FLOAT16", "FLOAT32")
DYNAMIC, INT8 = ("INT8", "FLOAT32"), ("INT8", "INT8")


class File:
    """A file with these convolutions."""

    def __init__(self, *convolutions, without_scale=0):
        self._convolutions, self._without_scale = convolutions, without_scale

    def convolutions(self):
        return self._convolutions

    def scales_by_default(self):
        return self._without_scale


@pytest.mark.parametrize(
    ("precision", "types"),
    [("float32", FLOAT), ("float16", HALF), ("dynamic", DYNAMIC), ("int8", INT8)],
)
def test_counts_what_is_as_it_should_be(precision, types):
    file = File((0, 2000, *types), (2, 2000, *types))
    assert precision_check.check(file, precision) == {" x ".join(types): 2}


@pytest.mark.parametrize(
    ("precision", "types"),
    [("float16", FLOAT), ("dynamic", FLOAT), ("int8", FLOAT), ("int8", DYNAMIC)],
)
def test_one_gate_that_stayed_float_is_refused(precision, types):
    expected = precision_check.EXPECTED[precision]
    file = File((0, 2000, *expected), (4, 2000, *types))
    with pytest.raises(UserError, match=f"1 convolutions are not {precision} .* 4"):
        precision_check.check(file, precision, of_routers=3)


def test_few_weights_may_stay_float_with_dynamic():
    assert precision_check.check(File((2, 1023, *FLOAT)), "dynamic")


def test_routers_may_stay_float_with_int8_but_nothing_else():
    file = File((0, 2000, *FLOAT), (0, 2000, *FLOAT), (2, 2000, *INT8))
    assert precision_check.check(file, "int8", of_routers=2)
    with pytest.raises(UserError, match="1 convolutions are not int8"):
        precision_check.check(file, "int8", of_routers=1)


def test_a_tensor_without_a_scale_is_refused():
    with pytest.raises(UserError, match="1 tensors of 8 bits have no scale"):
        precision_check.check(File((0, 9, *INT8), without_scale=1), "int8")
