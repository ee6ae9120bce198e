"""Schedules, by hand."""

import math

import pytest

from tfdyn.routing import schedules

FORMS = {
    "linear": schedules.linear,
    "exponential": schedules.exponential,
    "cosine": schedules.cosine,
}


def values(schedule, epochs):
    return [schedule(epoch, epochs) for epoch in range(epochs)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("epochs", [2, 3, 50])
@pytest.mark.parametrize(("start", "end"), [(1.0, 0.5), (0.1, 0.7)])
def test_goes_from_start_to_end(form, epochs, start, end):
    steps = values(FORMS[form](start, end), epochs)
    assert steps[0] == pytest.approx(start)
    assert steps[-1] == pytest.approx(end)
    assert steps == sorted(steps, reverse=end < start)


@pytest.mark.parametrize("form", FORMS)
def test_a_stage_of_one_epoch_has_the_end_value(form):
    assert FORMS[form](1.0, 0.5)(0, 1) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("linear", [4.0, 3.25, 2.5, 1.75, 1.0]),
        ("exponential", [4.0, 4 / math.sqrt(2), 2.0, math.sqrt(2), 1.0]),
        ("cosine", [4.0, 2.5 + 1.5 / math.sqrt(2), 2.5, 2.5 - 1.5 / math.sqrt(2), 1.0]),
    ],
)
def test_form(form, expected):
    assert values(FORMS[form](4.0, 1.0), 5) == pytest.approx(expected)


def test_constant():
    assert values(schedules.constant(3.0), 3) == [3.0, 3.0, 3.0]


def test_annealing_of_the_paper_stops_at_its_end():
    schedule = schedules.exponential(1.0, 0.5, decay=0.0006)
    assert schedule(0, 1200) == 1.0
    assert schedule(1000, 1200) == pytest.approx(math.exp(-0.6))
    assert schedule(1155, 1200) > 0.5 and schedule(1156, 1200) == 0.5
    assert schedule(5, 6) == pytest.approx(math.exp(-0.003))


def test_early_is_done_in_half_and_stays():
    schedule = schedules.early(schedules.linear(1.0, 0.0))
    assert values(schedule, 5) == [1.0, 0.5, 0.0, 0.0, 0.0]
    assert values(schedule, 1) == [0.0]


def test_parts_of_a_schedule_join():
    ramp = schedules.linear(0.0, 1.0)
    first, second = schedules.part(ramp, 0, 5), schedules.part(ramp, 2, 5)
    assert values(first, 2) + values(second, 3) == [0.0, 0.25, 0.5, 0.75, 1.0]
