import numpy as np
import pytest
from tiny_settings import tiny_settings

from tfdyn.costs.cost_table import CostTable
from tfdyn.evaluation.evaluator import QUANTILES, Evaluator, load_data
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.runs.run_folder import RunFolder
from tfdyn.settings.flagfiles import to_flagfile


@pytest.fixture(scope="module")
def model():
    return DRNet((8, 8, 1), 10, 2, 4, 1, temperature=0.1, threshold=0.6)


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    images = random.normal(size=(10, 8, 8, 1)).astype("float32") * 3
    return images, random.integers(0, 10, 10)


def test_agrees_with_the_dense_route_image_by_image(model, data):
    images, labels = data
    table = CostTable.count(model.modules)
    table.unit, table.gate = "ms", {"taken": 2.0, "not_taken": 0.5}
    batches = [(images[:6], labels[:6]), (images[6:], labels[6:])]
    seen = []
    result = Evaluator(model, table)(batches, progress=seen.append)

    outputs = model(images)
    route = {name: np.asarray(w) for name, w in outputs["route"].items()}
    right = np.argmax(outputs["logits"], -1) == labels
    macs = np.asarray(model.route_cost.total(outputs["route"]))
    runs = np.stack([w != 0 for w in route.values()])
    assert seen == [6, 4] and result["examples"] == 10
    assert result["accuracy"] == pytest.approx(right.mean())
    assert result["macs_mean"] == pytest.approx(macs.mean())
    assert result["macs_std"] == pytest.approx(macs.std(), rel=1e-4)
    assert 0 < result["macs_std"]
    assert result["macs_quantiles"] == pytest.approx(np.quantile(macs, QUANTILES))
    per_connection = runs.sum(-1).mean()
    assert result["branches_per_connection"] == pytest.approx(per_connection)
    gates = 2.0 * runs.sum() / 10 + 0.5 * (~runs).sum() / 10
    assert result["ms_mean"] == pytest.approx(macs.mean() + gates, rel=1e-5)
    ms = macs + runs.sum((0, 2)) * 2.0 + (~runs).sum((0, 2)) * 0.5
    assert result["ms_std"] == pytest.approx(ms.std(), rel=1e-3)
    name, weights = next(iter(route.items()))
    assert list(result["use"][name].values()) == pytest.approx(
        (weights != 0).mean(0).tolist()
    )
    assert list(result["use"][name])[0] == "max_pool_3x3"
    cost = model.route_cost
    assert result["executed_share"] == pytest.approx(
        (macs.mean() - cost.fixed) / cost.all_branches
    )
    assert "use_by_category" not in result


def test_tells_the_use_of_branches_by_category(model, data):
    images, _ = data
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 0, 2, 0])
    categories = ["even", "odd", "even", "absent"]
    batches = [(images[:6], labels[:6]), (images[6:], labels[6:])]
    result = Evaluator(model, categories=categories)(batches)
    use = result["use_by_category"]
    assert list(use) == ["even", "odd"]
    for name, weights in model(images)["route"].items():
        runs = np.asarray(weights) != 0
        for category, members in ("even", labels != 1), ("odd", labels == 1):
            expected = runs[members].mean(0).tolist()
            assert list(use[category][name].values()) == pytest.approx(expected)
        everything = list(result["use"][name].values())
        assert everything == pytest.approx(runs.mean(0).tolist())


def test_all_branches_cost_all(model, data):
    result = Evaluator(model)([data], 1.0)
    assert result["branches_per_connection"] == 5
    assert result["macs_std"] == 0
    params = CostTable.count(model.modules, "params")
    total = sum(params.cost(module) for module in model.modules)
    assert result["params_mean"] == total


def test_more_threshold_is_more_work(model, data):
    evaluator = Evaluator(model)
    macs = [evaluator([data], t)["macs_mean"] for t in (0.2, 0.6, 0.9, 1.0)]
    assert macs == sorted(macs) and macs[0] < macs[-1]
    own = [0.2] * len(model.mixed_ops)
    assert evaluator([data], own)["macs_mean"] == macs[0]


def test_on_a_split_of_the_data_that_a_run_was_trained_on(tiny_run):
    dataset = load_data(tiny_run)
    evaluator = Evaluator(tiny_run.load_model())
    result = evaluator.on(dataset, "validation", 0.7, 50)
    assert result["examples"] == dataset.num_examples("validation") == 142
    again = evaluator(dataset.batches("validation", 50), 0.7)
    assert result == again


def test_data_that_have_moved_are_asked_for(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    settings = tiny_settings(dataset="folder", data_dir="nowhere/photos")
    (run / "flags.txt").write_text(to_flagfile(settings))
    with pytest.raises(FileNotFoundError, match=r"run are not in nowhere.* --data_dir"):
        load_data(run)
