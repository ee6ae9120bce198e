"""Check of int8 inputs and outputs: of which tensors, with which scale."""

import types

import pytest

from export.checks.int8_io_check import check

SCALES = {"image": (1.0, -128), "logits": (0.25, 7), "probabilities": (1 / 256, -128)}


def file(**changes):
    scales = {**SCALES, **changes}
    scales = {name: pair for name, pair in scales.items() if pair}
    return types.SimpleNamespace(scales=scales)


def test_what_is_int8_is_described():
    described = check(file(), True)
    assert described["logits"] == {"dtype": "int8", "scale": 0.25, "zero_point": 7}
    assert list(described) == list(SCALES)
    assert check(types.SimpleNamespace(scales={}), False) == {}


@pytest.mark.parametrize(
    ("file", "int8_io", "name"),
    [
        (file(), False, "image, logits, probabilities"),
        (file(logits=None), True, "logits"),
        (file(image=(0.5, -128)), True, "image"),
        (file(macs=(1.0, 0)), True, "macs"),
    ],
)
def test_other_scales_are_refused(file, int8_io, name):
    with pytest.raises(ValueError, match=f"outputs {name} do not have"):
        check(file, int8_io)
