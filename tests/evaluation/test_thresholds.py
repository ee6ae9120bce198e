"""T for a goal: the largest that meets a limit on the validation images."""

import numpy as np
import pytest
from tiny_networks import latency_table

from tfdyn.costs.route_cost import RouteCost
from tfdyn.data.dataset import load
from tfdyn.evaluation.evaluator import Evaluator, load_data
from tfdyn.evaluation.thresholds import (
    BUDGET_MS,
    LEAST_ACCURACY,
    TARGET_RATE,
    choose_thresholds,
)

GOALS = pytest.mark.parametrize(
    "goal", [BUDGET_MS, TARGET_RATE], ids=lambda goal: goal.name
)


@pytest.fixture(scope="module")
def model(tiny_run):
    return tiny_run.load_model()


@pytest.fixture(scope="module")
def dataset(tiny_run):
    return load_data(tiny_run)


@pytest.fixture(scope="module")
def evaluator(model):
    return Evaluator(model, latency_table(model))


@pytest.fixture(scope="module")
def means(dataset, model):
    """Functions from T to the mean on the validation images, of dense outputs."""
    count = dataset.num_examples("validation")
    images, _ = next(iter(dataset.batches("validation", count)))
    timed, macs = RouteCost(model.modules, latency_table(model)), model.route_cost

    def milliseconds(threshold):
        route = model(images, threshold=threshold)["route"]
        return float(np.mean(timed.total(route)))

    def rate(threshold):
        route = model(images, threshold=threshold)["route"]
        return float(np.mean(macs.total(route)) - macs.fixed) / macs.all_branches

    return {BUDGET_MS: milliseconds, TARGET_RATE: rate}


@GOALS
def test_the_largest_threshold_that_meets_each_limit(goal, evaluator, dataset, means):
    mean = means[goal]
    least, full = mean(1e-6), mean(1.0)
    limits = [least + share * (full - least) for share in (0.2, 0.7)]
    texts = [limits[0], str(limits[1])]
    rows = choose_thresholds(goal, texts, evaluator, dataset)
    for row, limit in zip(rows, limits, strict=True):
        threshold = row["threshold"]
        assert row[goal.name] == limit
        assert row[goal.validation_name] == pytest.approx(mean(threshold), rel=1e-5)
        allowed = (1 - goal.margin) * limit
        assert row[goal.validation_name] <= allowed
        assert row["validation_examples"] == dataset.num_examples("validation")
        for larger in np.linspace(threshold, 1, 20)[1:]:
            assert mean(larger) > (1 - 1e-3) * allowed
    assert rows[0]["threshold"] < rows[1]["threshold"] < 1


def test_a_rate_of_1_runs_all(evaluator, dataset):
    (row,) = choose_thresholds(TARGET_RATE, [1], evaluator, dataset)
    assert row["threshold"] == 1.0
    assert row["validation_rate"] == pytest.approx(1.0)


@GOALS
def test_a_limit_that_cannot_be_met(goal, evaluator, dataset, means):
    limit = 0.9 * means[goal](1e-6)
    with pytest.raises(
        ValueError, match=f"--{goal.name}=.* cannot be met: no threshold .*{goal.unit}"
    ) as error:
        choose_thresholds(goal, [limit], evaluator, dataset)
    assert ("3% of it are kept free" in str(error.value)) == (goal is BUDGET_MS)
    least = float(str(error.value).split("possible is ")[1].split(" ")[0])
    mean = means[goal](1e-6)
    assert mean <= least + 1e-6 < mean + 2e-4  # Rounded up, it is met.


@pytest.mark.parametrize("wrong", [0, -1.0, "fast", float("nan"), "inf", None])
def test_a_budget_is_a_number_above_0(dataset, wrong):
    with pytest.raises(
        ValueError, match=r"--budget_ms is a number above 0 \(ms\); got"
    ):
        choose_thresholds(BUDGET_MS, [wrong], None, dataset)


@pytest.mark.parametrize("wrong", [0, -0.5, 70, "most", float("nan")])
def test_a_rate_is_a_share(dataset, wrong):
    with pytest.raises(ValueError, match="above 0 and at most 1 .*; got"):
        choose_thresholds(TARGET_RATE, [wrong], None, dataset)


@GOALS
def test_without_validation_images_none_is_chosen(goal):
    dataset = load("digits", validation_share=0)
    assert choose_thresholds(goal, [], None, dataset) == []
    with pytest.raises(ValueError, match="--validation_share=0, which leaves none"):
        choose_thresholds(goal, [1.0], None, dataset)


def test_an_accuracy_is_reached_on_the_validation_images(evaluator, dataset):
    least = evaluator.on(dataset, "validation", 1.0)["accuracy"] - 0.1
    (row,) = choose_thresholds(LEAST_ACCURACY, [least], evaluator, dataset)
    here = evaluator.on(dataset, "validation", row["threshold"])["accuracy"]
    assert row["validation_accuracy"] == here >= least == row["least_accuracy"]


def test_an_accuracy_that_no_threshold_has(evaluator, dataset):
    with pytest.raises(ValueError, match="--least_accuracy=1 cannot be met"):
        choose_thresholds(LEAST_ACCURACY, [1.0], evaluator, dataset)
