import numpy as np
import pytest

from tfdyn.evaluation.threshold_search import (
    SMALLEST,
    TOLERANCE,
    largest_threshold,
    smallest_threshold,
)

LAST = np.nextafter(np.float32(1), np.float32(0))


class Mean:
    """A mean cost that notes where it was asked for, in float32 as a network does."""

    def __init__(self, function):
        self.function, self.asked = function, {}

    def __call__(self, threshold):
        self.asked[threshold] = self.function(np.float32(threshold))
        return self.asked[threshold]


def late(threshold):
    """As of trained networks: most of the rise is at T very near 1."""
    if threshold >= 1:
        return 2.0
    return 1.0 + 0.1 * np.log10(1 / (1 - float(threshold)))


@pytest.mark.parametrize("budget", [1.01, 1.1, 1.3, 1.5])
def test_is_near_the_budget_after_few_evaluations(budget):
    mean = Mean(late)
    threshold = largest_threshold(mean, budget)
    assert (1 - TOLERANCE) * budget <= mean.asked[threshold] <= budget
    assert len(mean.asked) <= 8


@pytest.mark.parametrize("step", [0.2, 0.37, 0.9, 0.9999, 0.999999])
@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_where_the_mean_jumps_the_largest_is_found(step, noise):
    mean = Mean(lambda t: 1.0 + noise * t + (t > np.float32(step)))
    threshold = largest_threshold(mean, 1.5)
    assert mean.asked[threshold] < 1.5
    assert threshold == pytest.approx(step, abs=2**-23)


def test_all_branches_if_they_meet_it():
    mean = Mean(late)
    assert largest_threshold(mean, 2.0) == 1.0
    assert list(mean.asked) == [1.0]


def test_the_last_number_below_1_is_tried():
    mean = Mean(late)
    threshold = largest_threshold(mean, 1.99)
    assert np.float32(threshold) == LAST
    assert mean.asked[threshold] == pytest.approx(late(LAST))


def test_a_threshold_has_few_digits():
    assert largest_threshold(late, 1.1) == pytest.approx(0.9, abs=0.01)
    assert len(str(largest_threshold(late, 1.1, 0.01))) <= 5


def test_a_budget_below_the_least_says_what_is_possible():
    message = f"mean of 0.9 ms or less; the least .* is 1.0001 ms, at T={SMALLEST:g}"
    with pytest.raises(ValueError, match=message):
        largest_threshold(lambda t: late(t) + 0.00005, 0.9)


def test_rounding_does_not_end_the_search_at_an_end():
    # A DMNN whose routers are all sure: its mean has few values.
    mean = Mean(lambda t: 25.0 + 79.0 * (t >= 0.5) + 19.0 * (t >= 0.65))
    threshold = largest_threshold(lambda t: mean(t) if t < 1 else 182.0, 120.0)
    assert mean.asked[threshold] == 104.0 and 0.649 < threshold < 0.65


@pytest.mark.parametrize("edge", [0.3, 0.9, 0.999])
def test_the_smallest_threshold_that_is_accurate(edge):
    accuracies = Mean(lambda t: 0.9 if t >= edge else 0.5)
    threshold = smallest_threshold(accuracies, 0.8)
    assert accuracies.asked[threshold] == 0.9
    assert 0.9 * (1 - edge) <= 1 - threshold <= 1 - edge


def test_a_search_ends_at_the_accuracy_itself():
    accuracies = Mean(lambda t: t)
    assert smallest_threshold(accuracies, 1.0) == 1.0


def test_an_accuracy_above_that_of_all_says_what_is_possible():
    with pytest.raises(ValueError, match="accuracy of 0.9 or more; that of T=1 is 0.8"):
        smallest_threshold(lambda t: 0.8, 0.9)
