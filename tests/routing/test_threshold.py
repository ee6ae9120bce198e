"""Thresholds of a route."""

import numpy as np
import pytest

from tfdyn.routing.threshold import (
    check_threshold,
    threshold_from_flag,
    threshold_label,
    threshold_per_mixed_op,
)


@pytest.mark.parametrize(
    ("threshold", "checked"),
    [
        (0.5, 0.5),
        (1, 1.0),
        ([0.5, 1], [0.5, 1.0]),
        ((0.01,), [0.01]),
        (["0.5", "1"], [0.5, 1.0]),
    ],
)
def test_threshold_is_a_float_or_a_list_of_floats(threshold, checked):
    result = check_threshold(threshold)
    assert result == checked and type(result) is type(checked)


@pytest.mark.parametrize(
    "threshold",
    [0, -0.1, 1.0001, float("nan"), float("inf"), [], [0.5, 0.0], (2,), ["high"]],
)
def test_a_number_outside_0_1_is_refused(threshold):
    with pytest.raises(ValueError, match="0 < T <= 1") as error:
        check_threshold(threshold)
    assert repr(threshold) in str(error.value)


@pytest.mark.parametrize(
    ("threshold", "text"),
    [(1.0, "1"), (0.5, "0.5"), (0.1 + 0.2, "0.3"), (1 - 2**-24, "0.99999994")],
)
def test_a_threshold_below_1_is_not_read_as_1(threshold, text):
    assert threshold_label(threshold) == f"T={text}"


@pytest.mark.parametrize(
    ("texts", "expected"), [(["0.5"], 0.5), ((1, "0.3"), [1, 0.3])]
)
def test_a_flag_is_one_number_or_several(texts, expected):
    assert threshold_from_flag(texts) == expected


def test_one_threshold_stands_for_all_mixed_ops():
    np.testing.assert_array_equal(threshold_per_mixed_op(0.5, 3), [0.5] * 3)
    several = threshold_per_mixed_op([0.25, 1.0], 2)
    np.testing.assert_array_equal(several, [0.25, 1.0])
    again = threshold_per_mixed_op(several, 2)
    assert again is not several and again.dtype == np.float32
    with pytest.raises(ValueError, match="one for each of the 3 connections; got 2"):
        threshold_per_mixed_op([0.25, 1.0], 3)
