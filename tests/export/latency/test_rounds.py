"""Rounds: things timed in turn."""

import itertools

import pytest

from export.latency import rounds


def test_rounds_take_turns_and_end_when_medians_are_steady():
    measured, saved = [], []

    def measure(name):
        measured.append(name)
        return {"a": 1.0, "b": 2.0}[name]

    times = rounds.alternate(
        measure, "ab", (5, 40), save=lambda times: saved.append(str(times))
    )
    assert times == {"a": [1.0] * 5, "b": [2.0] * 5}
    assert "".join(measured) == "abbaabbaab"
    assert len(saved) == len(set(saved)) == 5


def test_unsteady_medians_take_all_rounds():
    count = itertools.count(1)
    times = rounds.alternate(lambda name: float(next(count)), ["a"], (2, 9))
    assert times["a"] == [float(i) for i in range(1, 10)]


def test_it_resumes_after_the_last_whole_round():
    measured = []

    def measure(name):
        measured.append(name)
        return 1.0

    done = {"a": [5.0, 6.0], "b": [7.0]}
    times = rounds.alternate(measure, "ab", (3, 3), done)
    assert times == {"a": [5.0, 1.0, 1.0], "b": [7.0, 1.0, 1.0]}
    assert "".join(measured) == "baab"
    assert done == {"a": [5.0, 6.0], "b": [7.0]}


def test_a_fixed_number_of_rounds_does_not_end_early():
    times = rounds.alternate(lambda name: 1.0, [(0, "a"), (1, "a")], (9, 9))
    assert times == {(0, "a"): [1.0] * 9, (1, "a"): [1.0] * 9}


def test_nothing_to_time():
    assert rounds.alternate(lambda name: 1.0, [], (3, 3)) == {}


@pytest.mark.parametrize(
    "times, expected",
    [
        ([1.0] * 3, False),
        ([1.0] * 4, True),
        ([1.0, 1.0, 1.0, 1.0, 50.0], True),
        ([1.0, 2.0, 3.0, 4.0], False),
        ([1.0, 1.001, 1.002, 1.001, 1.0], True),
    ],
)
def test_steady(times, expected):
    assert rounds.steady({"a": times}) is expected
