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


def test_the_regulariser_is_on_in_the_second_stage_alone(model):
    first, second = drnet_stages(tiny_settings(cost_weight=0.3), model, context(10))
    assert (first.name, first.loss.cost_weight) == ("pretrain", 0)
    assert (second.name, second.loss.cost_weight) == ("finetune", 0.3)


def test_a_stage_of_no_epochs_is_left_out(model):
    settings = tiny_settings(pretrain_epochs=0)
    assert [stage.name for stage in drnet_stages(settings, model, context(10))] == [
        "finetune"
    ]


def test_temperature_as_in_the_paper(model):
    settings = tiny_settings(finetune_epochs=1200, temperature_decay=0.0006)
    _, (_, schedule) = [
        stage.schedules["temperature"]
        for stage in drnet_stages(settings, model, context(1))
    ]
    assert schedule(0, 1200) == 1.0
    assert schedule(1, 1200) == pytest.approx(np.exp(-0.0006))
    assert schedule(1199, 1200) == 0.5


@pytest.mark.parametrize("form", ["exponential", "linear", "cosine"])
def test_a_short_annealing_reaches_its_end(model, form):
    settings = tiny_settings(
        temperature_schedule=form,
        finetune_temperature_start=5.0,
        finetune_temperature_end=0.8,
    )
    schedule = drnet_stages(settings, model, context(1))[1].schedules["temperature"][1]
    assert schedule(0, 4) == pytest.approx(5.0)
    assert schedule(3, 4) == pytest.approx(0.8)
    assert schedule(0, 1) == pytest.approx(0.8)


def test_drops_rise_from_zero_within_each_stage(model):
    settings = tiny_settings(
        drop_connection=0.1, drop_branch=0.7, finetune_drop_branch=0.2
    )
    for stage, last in zip(
        drnet_stages(settings, model, context(1)), (0.7, 0.2), strict=True
    ):
        for name, end in (("drop_connection", 0.1), ("drop_branch", last)):
            schedule = stage.schedules[name][1]
            assert [schedule(0, 3), schedule(1, 3)] == [0, pytest.approx(end / 2)]
            assert schedule(2, 3) == pytest.approx(end)


@pytest.mark.parametrize("form", ["log", "share"])
def test_a_cost_table_is_the_price(model, tmp_path, form):
    table = CostTable.count(model.modules)
    table.unit = "ms"
    for entry in table.modules.values():
        entry["cost"] = entry["cost"] * 1e-6 + 0.5
    table.save(tmp_path / "table.json")
    settings = tiny_settings(cost_table=str(tmp_path / "table.json"), cost_form=form)
    loss = drnet_stages(settings, model, context(1))[1].loss
    cost = loss.cost
    assert (cost.unit, loss.form) == ("ms", form)
    assert min(min(costs) for costs in cost.branches.values()) == pytest.approx(0.5)


def test_a_cost_table_that_lacks_a_module_is_an_error(model, tmp_path):
    table = CostTable.count(model.modules)
    table.modules.pop(next(key for key in table.modules if "SeparableConv" in key))
    path = tmp_path / "table.json"
    path.write_text(json.dumps({"unit": "macs", "modules": table.modules}))
    with pytest.raises(ValueError, match="lacks .*sep_conv_3x3"):
        drnet_stages(tiny_settings(cost_table=str(path)), model, 1)


def test_parameters_can_be_the_price(model):
    cost = drnet_stages(tiny_settings(cost_unit="params"), model, context(1))[
        1
    ].loss.cost
    assert cost.unit == "params"
    assert all(skip == 0 < sep for sep, skip in cost.branches.values())
