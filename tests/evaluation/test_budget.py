import shutil

import numpy as np
import pytest
from tiny_networks import latency_table

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.data.dataset import load
from tfdyn.evaluation import budget
from tfdyn.evaluation.evaluator import Evaluator, load_data
from tfdyn.runs.run_folder import RunFolder


@pytest.fixture(scope="module")
def model(tiny_run):
    return tiny_run.load_model()


@pytest.fixture
def run(tiny_run, tmp_path):
    """A copy of the run, to put tables into."""
    return RunFolder(shutil.copytree(tiny_run.path, tmp_path / "run"))


@pytest.fixture(scope="module")
def means(tiny_run, model):
    """Function from T to the mean on the validation images, of dense outputs."""
    dataset = load_data(tiny_run)
    count = dataset.num_examples("validation")
    images, _ = next(iter(dataset.batches("validation", count)))
    cost = RouteCost(model.modules, latency_table(model))

    def mean(threshold):
        route = model(images, threshold=threshold)["route"]
        return float(np.mean(cost.total(route)))

    return mean


def test_the_largest_threshold_that_meets_each_budget(tiny_run, model, means):
    least, full = means(1e-6), means(1.0)
    budgets = [least + share * (full - least) for share in (0.2, 0.7)]
    evaluator = Evaluator(model, latency_table(model))
    dataset = load_data(tiny_run)
    choices = budget.thresholds_for(budgets, evaluator, dataset)
    for choice, wanted in zip(choices, budgets, strict=True):
        chosen = choice["threshold"]
        assert choice["budget_ms"] == wanted
        assert choice["validation_ms"] == pytest.approx(means(chosen), rel=1e-5)
        goal = (1 - budget.MARGIN) * wanted
        assert choice["validation_ms"] <= goal
        assert choice["validation_examples"] == dataset.num_examples("validation")
        for larger in np.linspace(chosen, 1, 20)[1:]:
            assert means(larger) > (1 - 1e-3) * goal
    assert choices[0]["threshold"] < choices[1]["threshold"] < 1


def test_for_a_run_the_table_is_its_own(run, model, means):
    latency_table(model).save(run / "latency.host.json")
    choice = budget.threshold_for(run, model, load_data(run), 2 * means(1.0))
    assert choice["threshold"] == 1.0
    assert choice["cost_table"] == str(run / "latency.host.json")


def test_a_budget_that_cannot_be_met(run, model, means):
    latency_table(model).save(run / "latency.host.json")
    with pytest.raises(
        ValueError, match="budget of .* 3% are kept .* cannot be met: no threshold"
    ) as error:
        budget.threshold_for(run, model, load_data(run), 0.9 * means(1e-6))
    least = float(str(error.value).split("possible is ")[1].split(" ms")[0])
    assert means(1e-6) <= least + 1e-6 < means(1e-6) + 2e-4  # Rounded up, it is met.


@pytest.mark.parametrize("wrong", [0, -1.0, "fast", float("nan"), "inf"])
def test_a_budget_is_a_number_above_0(tiny_run, wrong):
    with pytest.raises(ValueError, match="ms above 0; got"):
        budget.thresholds_for([wrong], None, load_data(tiny_run))


def test_without_validation_images_none_is_chosen():
    dataset = load("digits", validation_share=0)
    assert budget.thresholds_for([], None, dataset) == []
    with pytest.raises(ValueError, match="--validation_share=0, which leaves none"):
        budget.thresholds_for([1.0], None, dataset)


def test_of_no_table_none_is_taken(run):
    assert budget.load_table(run) == (None, None)
    with pytest.raises(ValueError, match="Make one with `python -m export.latency"):
        budget.load_table(run, needed=True)


def test_of_several_tables_none_is_taken_unless_named(run, model):
    table = latency_table(model)
    for name in ("latency.host.json", "latency.adb-1.5.json"):
        table.save(run / name)
    assert budget.load_table(run) == (None, None)
    with pytest.raises(ValueError, match="latency.adb-1.5.json, .*latency.host.json"):
        budget.load_table(run, needed=True)
    path, named = budget.load_table(run, run / "latency.host.json", needed=True)
    assert path == str(run / "latency.host.json") and named.remainder == 0.05


def test_a_table_of_another_unit_keeps_no_budget(run, model):
    CostTable.count(model.modules).save(run / "macs.json")
    assert budget.load_table(run, run / "macs.json")[1].unit == "macs"
    with pytest.raises(ValueError, match="is in macs: a table in ms is needed"):
        budget.load_table(run, run / "macs.json", needed=True)


def test_the_table_that_it_was_trained_with_is_its_own(run, model, tmp_path):
    path = tmp_path / "table.json"
    with (run / "flags.txt").open("a") as file:
        file.write(f"--cost_table={path}\n")
    assert budget.load_table(run) == (None, None)  # It is no longer there.
    CostTable.count(model.modules).save(path)
    assert budget.load_table(run) == (None, None)  # It says nothing of time.
    latency_table(model).save(path)
    assert budget.load_table(run)[0] == str(path)
    latency_table(model).save(run / "latency.host.json")
    assert budget.load_table(run)[0] == str(run / "latency.host.json")
