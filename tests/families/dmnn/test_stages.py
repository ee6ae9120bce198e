"""Stages of DMNN."""

import numpy as np
import pytest
from tiny_networks import make_dmnn
from tiny_settings import context, tiny_dmnn_settings

from tfdyn.costs.cost_table import CostTable
from tfdyn.families.dmnn import rate_fit
from tfdyn.families.dmnn.stages import dmnn_stages

NAMES = ("airplane", "cat", "ship")


@pytest.fixture(scope="module")
def model():
    return make_dmnn(category_heads=2)


def stages(model, categories="cifar10", **changes):
    settings = tiny_dmnn_settings(categories=categories, **changes)
    return dmnn_stages(settings, model, context(10, NAMES))


def changes(stage, name, variable):
    """What a variable is at each epoch of a stage."""
    changed, schedule = stage.schedules[name]
    assert changed is variable
    return [schedule(epoch, stage.epochs) for epoch in range(stage.epochs)]


def noise(model, stage):
    return changes(stage, "noise", model.selection.noise_scale)


def rates(stage):
    return changes(stage, "target_rate", stage.loss.target_rate)


def test_the_paper_has_one_stage(model):
    (stage,) = stages(model, finetune_epochs=3, target_rate=0.4)
    assert (stage.name, stage.epochs) == ("finetune", 3)
    assert noise(model, stage) == [1, 1, 1]
    assert rates(stage) == [0.4, 0.4, 0.4]
    assert stage.loss.cost.unit == "macs"
    assert stage.loss.cost.all_branches == model.route_cost.all_branches


def test_in_a_first_stage_all_are_to_run(model):
    first, second = stages(model, pretrain_epochs=2, target_rate=0.4)
    assert first.name == "pretrain" and rates(first) == [1, 1]
    assert rates(second) == [0.4]
    assert first.loss.categories == second.loss.categories


def test_the_target_may_fall_in_half_of_the_stage(model):
    falling = {"target_rate_start": 1.0, "target_rate": 0.6}
    (stage,) = stages(model, finetune_epochs=6, **falling)
    assert rates(stage) == pytest.approx([1, 0.84, 0.68, 0.6, 0.6, 0.6])
    (short,) = stages(model, finetune_epochs=1, **falling)
    assert rates(short) == pytest.approx([0.6])


def test_the_noise_may_fall(model):
    first, second = stages(model, pretrain_epochs=2, finetune_epochs=3, noise_end=0)
    assert noise(model, first) == [1, 1] and noise(model, second) == [1, 0.5, 0]


def test_settings_of_the_rate_and_the_routers_reach_the_loss(model):
    names = {"noise_free_rates": True, "block_rate_weight": 0.0}
    names |= {"belief_weight": 0.3, "dependence_weight": 0.2}
    for stage in stages(model, pretrain_epochs=2, **names):
        assert {name: getattr(stage.loss, name) for name in names} == names


def test_a_rate_bias_replaces_the_loss_of_the_rate():
    model = make_dmnn(rate_bias=0.01)
    changed = {"pretrain_epochs": 2, "rate_bias": 0.01, "target_rate": 0.4}
    first, second = stages(model, "none", **changed)
    assert first.loss.cost is second.loss.cost is None
    target = model.rate_control.target_rate
    assert changes(first, "target_rate", target) == [1, 1]
    assert changes(second, "target_rate", target) == [0.4]
    assert model.rate_control.shares is None
    assert second.end.func is rate_fit.fit and first.end() is None
    stages(model, "none", **changed, block_rate_weight=0.0)
    costs = np.concatenate(list(model.route_cost.branches.values()))
    np.testing.assert_allclose(model.rate_control.shares, costs / costs.sum())


def test_categories_are_those_of_the_classes(model):
    (stage,) = stages(model)
    assert stage.loss.categories == [1, 0, 1]
    np.testing.assert_allclose(stage.loss.category_weights, [0.01] * 2 + [0.1] * 2)
    (plain,) = stages(make_dmnn(), "none")
    assert plain.loss.categories == []


def test_a_static_twin_has_no_target():
    (stage,) = stages(make_dmnn(sub_blocks=1, selection="none"), "none")
    assert stage.loss.cost is None and stage.loss.categories == []
    assert stage.schedules == {}


def test_the_target_may_be_a_share_of_milliseconds(model, tmp_path):
    table = CostTable.count(model.modules)
    table.unit = "ms"
    table.save(tmp_path / "table.json")
    (stage,) = stages(model, cost_table=str(tmp_path / "table.json"))
    assert stage.loss.cost.unit == "ms"


def test_a_class_without_a_category_is_an_error(model):
    settings = tiny_dmnn_settings(categories="cifar10")
    with pytest.raises(
        ValueError, match="for the classes of cifar10 alone; it lacks unicorn"
    ):
        dmnn_stages(settings, model, context(10, ("cat", "unicorn")))
