"""Stages of DRNet."""

import json

import numpy as np
import pytest
from tiny_settings import context, tiny_settings

from tfdyn.costs.cost_table import CostTable
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.families.drnet.stages import drnet_stages


@pytest.fixture(scope="module")
def model():
    return DRNet((8, 8, 1), 10, 1, 4, 1, branches=("sep_conv_3x3", "skip_connection"))


def stages(model, **changes):
    return drnet_stages(tiny_settings(**changes), model, context(10))


def test_the_regulariser_is_on_in_the_second_stage_alone(model):
    first, second = stages(model, cost_weight=0.3)
    assert (first.name, first.loss.cost_weight) == ("pretrain", 0)
    assert (second.name, second.loss.cost_weight) == ("finetune", 0.3)


def test_a_stage_of_no_epochs_is_left_out(model):
    (stage,) = stages(model, pretrain_epochs=0)
    assert stage.name == "finetune"


def test_temperature_as_in_the_paper(model):
    _, finetune = stages(model, finetune_epochs=1200, temperature_decay=0.0006)
    _, schedule = finetune.schedules["temperature"]
    assert schedule(0, 1200) == 1.0
    assert schedule(1, 1200) == pytest.approx(np.exp(-0.0006))
    assert schedule(1199, 1200) == 0.5


@pytest.mark.parametrize("form", ["exponential", "linear", "cosine"])
def test_a_short_annealing_reaches_its_end(model, form):
    _, finetune = stages(
        model,
        temperature_schedule=form,
        finetune_temperature_start=5.0,
        finetune_temperature_end=0.8,
    )
    _, schedule = finetune.schedules["temperature"]
    assert schedule(0, 4) == pytest.approx(5.0)
    assert schedule(3, 4) == pytest.approx(0.8)
    assert schedule(0, 1) == pytest.approx(0.8)


def test_drops_rise_from_zero_within_each_stage(model):
    changes = {"drop_connection": 0.1, "drop_branch": 0.7, "finetune_drop_branch": 0.2}
    for stage, last in zip(stages(model, **changes), (0.7, 0.2), strict=True):
        for name, end in (("drop_connection", 0.1), ("drop_branch", last)):
            schedule = stage.schedules[name][1]
            assert [schedule(0, 3), schedule(1, 3)] == [0, pytest.approx(end / 2)]
            assert schedule(2, 3) == pytest.approx(end)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("ramp", [0.0, 0.4, 0.0, 0.2, 0.4]),
        ("ramp_over_both", [0.0, 0.1, 0.2, 0.3, 0.4]),
        ("constant", [0.4] * 5),
    ],
)
def test_schedules_of_the_drops(model, schedule, expected):
    changes = {"drop_connection": 0.2, "drop_branch": 0.4, "drop_schedule": schedule}
    both = stages(model, pretrain_epochs=2, finetune_epochs=3, **changes)
    for name, factor in (("drop_branch", 1), ("drop_connection", 0.5)):
        shares = [
            stage.schedules[name][1](epoch, stage.epochs)
            for stage in both
            for epoch in range(stage.epochs)
        ]
        assert shares == pytest.approx([factor * share for share in expected])


def test_the_optimizer_has_the_limit_and_the_routers_rate(model):
    changes = {"gradient_clip": 5.0, "router_learning_rate_factor": 0.25}
    for stage in stages(model, **changes):
        optimizer = stage.optimizer()
        assert (optimizer.clip, optimizer.factors) == (5.0, {"router": 0.25})
    assert stages(model)[0].optimizer().clip is None


def test_the_rate_apart_is_that_of_all_routers_and_of_nothing_else(model):
    optimizer = stages(model, router_learning_rate_factor=0.0)[0].optimizer()
    optimizer.build(model.trainable_weights)
    before = [np.array(weight) for weight in model.trainable_weights]
    optimizer.apply([np.ones(weight.shape, "float32") for weight in before])
    frozen = {
        weight.path
        for weight, old in zip(model.trainable_weights, before, strict=True)
        if (np.asarray(weight) == old).all()
    }
    routers = [cell.router for cell in model.cells]
    assert frozen == {w.path for router in routers for w in router.trainable_weights}


def test_the_noise_may_fall_in_the_second_stage(model):
    both = stages(model, pretrain_epochs=2, finetune_epochs=3, noise_end=0.2)
    for stage, expected in zip(both, ([1, 1], [1, 0.6, 0.2]), strict=True):
        variable, schedule = stage.schedules["noise"]
        assert variable is model.selection.noise_scale
        noise = [schedule(epoch, stage.epochs) for epoch in range(stage.epochs)]
        assert noise == pytest.approx(expected)


def test_the_terms_for_routers_have_the_weights_of_the_settings(model):
    for stage in stages(model, belief_weight=0.3, dependence_weight=0.2):
        assert (stage.loss.belief_weight, stage.loss.dependence_weight) == (0.3, 0.2)


@pytest.mark.parametrize("form", ["log", "share"])
def test_a_cost_table_is_the_price(model, tmp_path, form):
    table = CostTable.count(model.modules)
    table.unit = "ms"
    for entry in table.modules.values():
        entry["cost"] = entry["cost"] * 1e-6 + 0.5
    table.save(tmp_path / "table.json")
    path = str(tmp_path / "table.json")
    loss = stages(model, cost_table=path, cost_form=form)[1].loss
    cost = loss.cost
    assert (cost.unit, loss.form) == ("ms", form)
    assert min(min(costs) for costs in cost.branches.values()) == pytest.approx(0.5)


def test_a_cost_table_that_lacks_a_module_is_an_error(model, tmp_path):
    table = CostTable.count(model.modules)
    table.modules.pop(next(key for key in table.modules if "SeparableConv" in key))
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"unit": "macs", "modules": table.modules}))
    with pytest.raises(ValueError, match="lacks .*sep_conv_3x3"):
        stages(model, cost_table=str(path))


def test_parameters_can_be_the_price(model):
    cost = stages(model, cost_unit="params")[1].loss.cost
    assert cost.unit == "params"
    assert all(skip == 0 < sep for sep, skip in cost.branches.values())
