"""Thresholds of a route."""

import pytest

from tfdyn.routing.threshold import check_threshold


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
