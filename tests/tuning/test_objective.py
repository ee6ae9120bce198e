import pytest

from tfdyn.errors import UserError
from tfdyn.tuning.objective import area, frontier, parse

POINTS = [
    {"accuracy": 0.9, "macs": 20.0, "ms": 0.8},
    {"accuracy": 0.7, "macs": 10.0, "ms": 0.4},
    {"accuracy": 0.6, "macs": 15.0, "ms": 0.6},  # Behind the one before.
]


def value(text, points=POINTS, reference=None):
    (objective,) = parse([text], reference)
    return objective.value(points)


def test_accuracy_at_a_budget_is_that_of_the_best_point_within_it():
    assert value("accuracy@20") == 0.9
    assert value("accuracy@19.9") == 0.7
    # 3 % of a budget in ms are kept free, as `tfdyn.evaluate --budget_ms` keeps them.
    assert value("accuracy@0.81ms") == 0.7
    assert value("accuracy@0.83ms") == 0.9


def test_beyond_the_budget_the_nearest_trial_is_the_best_and_none_is_good():
    near, far = value("accuracy@9"), value("accuracy@5")
    assert far < near < 0 == value("accuracy@1M", [{"accuracy": 0, "macs": 1}])


def test_magnitudes():
    (one,), (other,) = parse(["accuracy@23M"]), parse(["accuracy@0.023G"])
    assert one.budget == other.budget == 23e6
    assert parse(["accuracy@1.5e3k"])[0].budget == 1.5e6


def test_hypervolume_is_the_area_under_the_frontier():
    assert [point["macs"] for point in frontier(POINTS, "macs")] == [10, 20]
    assert area(POINTS, "macs", 40) == pytest.approx((0.7 * 10 + 0.9 * 20) / 40)
    assert value("hypervolume@15") == pytest.approx(0.7 * 5 / 15)
    assert value("hypervolume", reference=40) == area(POINTS, "macs", 40)
    assert value("hypervolume@5") == 0


WRONG = ["accuracy", "accuracy@", "accuracy@0", "accuracy@-2M", "accuracy@3s", "macs@3"]


@pytest.mark.parametrize("text", [*WRONG, "accuracy@1.2.3M", ""])
def test_what_is_no_objective_is_refused(text):
    with pytest.raises(UserError, match="accuracy@23M"):
        parse([text])


def test_objectives_differ():
    with pytest.raises(UserError, match="different"):
        parse(["accuracy@3M", "accuracy@3M"])
    with pytest.raises(UserError, match="one objective"):
        parse([])
