import numpy as np
import pytest

from tfdyn.data.dataset import load
from tfdyn.evaluation import target_rates
from tfdyn.evaluation.evaluator import Evaluator, load_data


@pytest.fixture(scope="module")
def model(tiny_run):
    return tiny_run.load_model()


@pytest.fixture(scope="module")
def rate(tiny_run, model):
    """Function from T to the share that runs on the validation images, of dense."""
    dataset = load_data(tiny_run)
    count = dataset.num_examples("validation")
    images, _ = next(iter(dataset.batches("validation", count)))
    cost = model.route_cost

    def mean(threshold):
        route = model(images, threshold=threshold)["route"]
        return float(np.mean(cost.total(route)) - cost.fixed) / cost.all_branches

    return mean


def test_the_largest_threshold_that_keeps_to_each_rate(tiny_run, model, rate):
    least = rate(1e-6)
    wanted = [least + share * (1 - least) for share in (0.2, 0.7)]
    dataset = load_data(tiny_run)
    texts = [wanted[0], str(wanted[1])]
    choices = target_rates.thresholds_for(texts, Evaluator(model), dataset)
    for choice, goal in zip(choices, wanted, strict=True):
        chosen = choice["threshold"]
        assert choice["target_rate"] == goal
        assert choice["validation_rate"] == pytest.approx(rate(chosen), rel=1e-5)
        assert choice["validation_rate"] <= goal
        assert choice["validation_examples"] == dataset.num_examples("validation")
        for larger in np.linspace(chosen, 1, 20)[1:]:
            assert rate(larger) > (1 - 1e-3) * goal
    assert choices[0]["threshold"] < choices[1]["threshold"] < 1


def test_a_rate_of_1_runs_all(tiny_run, model):
    (choice,) = target_rates.thresholds_for([1], Evaluator(model), load_data(tiny_run))
    assert choice["threshold"] == 1.0
    assert choice["validation_rate"] == pytest.approx(1.0)


def test_a_rate_that_cannot_be_kept(tiny_run, model, rate):
    with pytest.raises(ValueError, match="no threshold .* of the branches' MACs"):
        target_rates.thresholds_for(
            [0.9 * rate(1e-6)], Evaluator(model), load_data(tiny_run)
        )


@pytest.mark.parametrize("wrong", [0, -0.5, 70, "most", float("nan")])
def test_a_rate_is_a_share(tiny_run, wrong):
    with pytest.raises(ValueError, match="above 0 and at most 1; got"):
        target_rates.thresholds_for([wrong], None, load_data(tiny_run))


def test_no_validation_images():
    dataset = load("digits", validation_share=0)
    with pytest.raises(ValueError, match="which leaves none of digits"):
        target_rates.thresholds_for([0.5], None, dataset)
