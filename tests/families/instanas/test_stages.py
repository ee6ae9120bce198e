"""Stages of InstaNAS."""

import dataclasses
import io

import keras
import numpy as np
import pytest
from tiny_networks import make_instanas
from tiny_settings import context, tiny_instanas_settings

from tfdyn.costs.cost_table import CostTable, module_key
from tfdyn.errors import UserError
from tfdyn.families.instanas.stages import (
    MARGIN,
    NOT_OF_RETRAINING,
    bounds,
    drop_rate,
    instanas_stages,
)
from tfdyn.families.settings import Settings
from tfdyn.runs.run_folder import RunFolder
from tfdyn.training.sgd import SGD

NOWHERE = RunFolder("nowhere")


@pytest.fixture(scope="module")
def model():
    return make_instanas()


def stages(model, **changes):
    return instanas_stages(
        tiny_instanas_settings(**changes), model, context(10, run=NOWHERE)
    )


def test_there_are_three_and_the_second_takes_turns(model):
    pretrain, joint, finetune = stages(model)
    assert [s.name for s in (pretrain, joint, finetune)] == [
        "pretrain",
        "joint",
        "finetune",
    ]
    assert [turn.name for turn in joint.turns] == ["router", "meta_graph"]
    for turn in (pretrain, *joint.turns, finetune):
        turn.begin()
        assert model.phase == turn.name
    # The router is not trained yet when the meta-graph first is.
    assert (pretrain.threshold, finetune.threshold) == (1.0, None)


def test_a_stage_of_no_epochs_is_left_out(model):
    (joint,) = stages(model, pretrain_epochs=0, finetune_epochs=0)
    assert joint.name == "joint"
    (finetune,) = stages(model, pretrain_epochs=0, joint_epochs=0, init_from="run")
    assert finetune.name == "finetune"


def test_without_a_search_there_is_nothing_to_finetune(model):
    with pytest.raises(ValueError, match="set --joint_epochs, or --init_from=RUN"):
        stages(model, joint_epochs=0)


def test_optimizers(model):
    settings = {"momentum": 0.9, "nesterov": True, "weight_decay": 3e-4}
    pretrain, joint, finetune = stages(model, **settings, finetune_learning_rate=0.2)
    router = joint.turns[0].optimizer()
    assert isinstance(router, keras.optimizers.Adam)
    assert float(router.learning_rate) == pytest.approx(5e-4)
    for stage, learning_rate in ((pretrain, 0.025), (finetune, 0.2)):
        sgd = stage.optimizer()
        assert isinstance(sgd, SGD)
        assert (sgd.momentum, sgd.nesterov, sgd.l2) == (0.9, True, 3e-4)
        assert float(sgd._learning_rate(0)) == pytest.approx(learning_rate)
    adam = stages(model, retrain=True, finetune_learning_rate=0.01)[-1].optimizer()
    assert isinstance(adam, keras.optimizers.Adam)
    rates = [float(adam._learning_rate(step)) for step in (0, 5, 10)]
    assert rates == pytest.approx([0.01, 0.005, 0.0], abs=1e-8)


def meta_graph_optimizer(model, **changes):
    return stages(model, **changes)[1].turns[1].optimizer()


def test_the_meta_graph_of_the_search_has_plain_sgd_by_default(model):
    # The settings of the other stages do not reach it.
    others = {"momentum": 0.9, "nesterov": True, "weight_decay": 3e-4}
    sgd = meta_graph_optimizer(model, **others, meta_graph_learning_rate=5e-4)
    assert isinstance(sgd, SGD)
    assert (sgd.momentum, sgd.l2) == (0.0, 0.0)
    assert float(sgd.learning_rate) == pytest.approx(5e-4)
    assert not isinstance(sgd._learning_rate, keras.optimizers.schedules.CosineDecay)
    # Its first step is the learning rate times the gradient, and nothing else.
    weight = keras.Variable([2.0])
    sgd.build([weight])
    sgd.apply([keras.ops.convert_to_tensor([10.0])])
    assert float(weight[0]) == pytest.approx(2 - 5e-4 * 10)


def test_the_meta_graph_of_the_search_has_settings_of_its_own(model):
    sgd = meta_graph_optimizer(
        model,
        meta_graph_learning_rate=0.3,
        meta_graph_schedule="cosine",
        meta_graph_momentum=0.8,
        meta_graph_weight_decay=1e-3,
        nesterov=True,
    )
    assert (sgd.momentum, sgd.nesterov, sgd.l2) == (0.8, True, 1e-3)
    # Over its own epochs alone: five of ten steps.
    rates = [float(sgd._learning_rate(step)) for step in (0, 25, 50)]
    assert rates == pytest.approx([0.3, 0.15, 0.0], abs=1e-7)


@pytest.mark.parametrize(
    "unread",
    [
        {"learning_rate_schedule": "constant"},
        {"learning_rate_decay": 0.5},
        {"learning_rate_steps": (1,)},
        {"momentum": 0.0},
        {"nesterov": True},
        {"weight_decay": 0.1},
        {"gradient_clip": 5.0},
    ],
)
def test_the_retraining_does_not_read_the_settings_of_sgd(model, unread):
    def config(**changes):
        adam = stages(model, retrain=True, **changes)[-1].optimizer()
        changed = {"name": None, "learning_rate": float(adam._learning_rate(5))}
        return {**adam.get_config(), **changed}

    assert config(**unread) == config()
    (name,) = unread
    assert name in NOT_OF_RETRAINING
    (retrain,) = [f for f in dataclasses.fields(Settings) if f.name == "retrain"]
    assert f"--{name}" in retrain.metadata["help"]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"joint_epochs": 0, "init_from": "run"}, "--nesterov, --weight_decay:"),
        ({}, "read --weight_decay:"),  # The search reads --nesterov.
        ({"pretrain_epochs": 1}, None),
        ({"retrain": False}, None),
        ({"nesterov": False, "weight_decay": 3e-4}, None),
    ],
)
def test_a_retraining_alone_names_the_settings_that_it_does_not_read(
    model, changes, names
):
    defaults = {"retrain": True, "nesterov": True, "weight_decay": 0.1}
    defaults["pretrain_epochs"] = 0
    output = io.StringIO()
    settings = tiny_instanas_settings(**{**defaults, **changes})
    instanas_stages(settings, model, context(10, run=NOWHERE, output=output))
    assert names in output.getvalue() if names else not output.getvalue()


def test_modules_are_dropped_from_the_half_on():
    rate = drop_rate(0.5)
    rates = [rate(epoch, 8) for epoch in range(8)]
    assert rates == [0, 0, 0, 0, 0.125, 0.25, 0.375, 0.5]
    assert [rate(epoch, 3) for epoch in range(3)] == [0, 0.25, 0.5]
    assert rate(0, 1) == 0.5


def test_bounds_are_costs_of_whole_routes(model):
    settings = tiny_instanas_settings(upper_bound_start=0.6, upper_bound_end=0.9)
    cost = model.route_cost
    start, end, lower = bounds(settings, model, cost)
    assert start == pytest.approx(cost.fixed + 0.6 * cost.all_branches)
    backbone = sum(costs[0] for costs in cost.branches.values())
    assert end == pytest.approx(cost.fixed + 0.9 * backbone)
    firsts = [cost.branches[f"stage_{i}_cell_0_modules"] for i in (0, 1)]
    cheapest = sum(map(min, firsts))
    assert lower == pytest.approx(cost.fixed + cheapest)
    fallback = tiny_instanas_settings(lower_bound="fallback")
    assert bounds(fallback, model, cost)[2] == pytest.approx(
        cost.fixed + sum(costs[4] for costs in firsts)
    )


def test_the_upper_bound_stays_above_the_lower_one(model):
    settings = tiny_instanas_settings(lower_bound="fallback", upper_bound_end=0.01)
    start, end, lower = bounds(settings, model, model.route_cost)
    fixed = model.route_cost.fixed
    assert end - fixed == pytest.approx((1 + MARGIN) * (lower - fixed))
    assert lower < end < start


def test_the_bound_falls_by_turns_of_both(model):
    settings = tiny_instanas_settings()
    joint = stages(model)[1]
    start, end, lower = bounds(settings, model, model.route_cost)
    variable, schedule = joint.schedules["upper_bound"]
    values = [schedule(epoch, 10) for epoch in range(10)]
    np.testing.assert_allclose(values, np.repeat(np.linspace(start, end, 5), 2))
    assert variable is joint.turns[0].loss.upper
    assert joint.schedules["lower_bound"][1](3, 10) == lower


def test_the_search_may_be_priced_in_milliseconds(model, tmp_path):
    table = CostTable.count(model.modules)
    table.unit = "ms"
    table.save(tmp_path / "table.json")
    joint = stages(model, cost_table=str(tmp_path / "table.json"))[1]
    assert joint.turns[0].loss.cost.unit == "ms"


def test_only_a_search_needs_modules_that_cost_something(model, tmp_path):
    table = CostTable.count(model.modules)
    for module in model.modules:
        if module.kind == "branch":
            table.modules[module_key(module.layer)]["cost"] = 0
    table.save(tmp_path / "table.json")
    settings = {"cost_table": str(tmp_path / "table.json")}
    with pytest.raises(UserError, match="cost nothing at all"):
        stages(model, **settings)
    (pretrain,) = stages(model, **settings, joint_epochs=0, finetune_epochs=0)
    assert pretrain.name == "pretrain"


def test_retraining_starts_from_scratch_under_the_same_router():
    model = make_instanas()
    before = [np.array(weight) for weight in model.weights]
    settings = {"joint_epochs": 0, "init_from": "run", "retrain": True}
    (finetune,) = stages(model, pretrain_epochs=0, **settings)
    for weight in model.weights:
        weight.assign(weight + 1.0)
    finetune.start()
    router = {id(weight) for weight in model.router.weights}
    for old, weight in zip(before, model.weights, strict=True):
        if id(weight) in router:
            np.testing.assert_allclose(weight, old + 1.0)
        elif "moving_mean" in weight.path:
            np.testing.assert_array_equal(weight, 0)
        elif "kernel" in weight.path:
            assert abs(np.mean(weight) - 1) > 0.5
    first = [np.array(weight) for weight in model.weights]
    finetune.start()
    for old, weight in zip(first, model.weights, strict=True):
        np.testing.assert_array_equal(weight, old)
