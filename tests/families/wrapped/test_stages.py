"""Stages of a wrapped model: what each of them changes."""

import numpy as np
import pytest
import tiny_wrapped
from tiny_settings import context

from tfdyn.families.settings import Settings
from tfdyn.families.wrapped.stages import wrapped_stages

IMAGES = tiny_wrapped.images(rows=16)
LABELS = np.arange(16) % 10


def settings(**changes):
    common = {"network": "wrapped", "pretrain_epochs": 2, "finetune_epochs": 1}
    return Settings(**{**common, "target_rate": 0.6, "weight_decay": 0.01, **changes})


def weights_of(layers):
    """The values of the weights of layers, and of their statistics."""
    return [np.array(w) for layer in layers for w in layer.weights]


def heads(model):
    return [link.head for link in model.chain[:-1] if link.name.startswith("exit")]


def step(model, stage):
    """Trains for a step as a stage does."""
    stage.begin()
    model.compile(stage.optimizer(), stage.loss, run_eagerly=True)
    model.train_on_batch(IMAGES, LABELS)


def same(before, after):
    return [np.array_equal(*pair) for pair in zip(before, after, strict=True)]


def test_the_first_stage_changes_heads_and_routers_alone():
    model = tiny_wrapped.wrapped(teacher=True, normalized_routers=True)
    first, second = wrapped_stages(settings(), model, context())
    assert (first.name, first.epochs) == ("pretrain", 2)
    assert (second.name, second.epochs) == ("finetune", 1)
    originals, others = model.original_layers, [*heads(model), *model.routers.values()]
    before, of_others = weights_of(originals), weights_of(others)
    of_teacher = weights_of([model.teacher])
    step(model, first)
    assert all(same(before, weights_of(originals)))
    assert not any(same(of_others, weights_of(others)))
    # So the original's outputs stay as they are.
    np.testing.assert_array_equal(
        model(IMAGES, threshold=1.0)["logits"], tiny_wrapped.residual()(IMAGES)
    )
    step(model, second)
    assert not any(same(before, weights_of(originals)))
    assert all(same(of_teacher, weights_of([model.teacher])))


def test_rates_and_noise_fall():
    model = tiny_wrapped.wrapped(exits=())
    falling = {"target_rate_start": 1.0, "noise_end": 0.0, "finetune_epochs": 0}
    (stage,) = wrapped_stages(settings(pretrain_epochs=6, **falling), model, context())
    variable, rate = stage.schedules["target_rate"]
    assert variable is stage.loss.target_rate
    rates = [rate(epoch, 6) for epoch in range(6)]
    assert rates == pytest.approx([1, 0.84, 0.68, 0.6, 0.6, 0.6], abs=0.03)
    variable, noise = stage.schedules["noise"]
    assert variable is model.selection.noise_scale
    assert [noise(epoch, 6) for epoch in (0, 5)] == [1.0, 0.0]


def test_costs_are_those_of_blocks_with_routers():
    model = tiny_wrapped.wrapped()
    stage, _ = wrapped_stages(settings(distil=0.3), model, context())
    costs = stage.loss.costs
    assert [*costs] == ["one", "two", "three"] and stage.loss.distil == 0.3
    for name, cost in costs.items():
        np.testing.assert_array_equal(cost, model.route_cost.branches[name])
    stage, _ = wrapped_stages(settings(cost_unit="params"), model, context())
    assert (stage.loss.costs["one"] != costs["one"]).all()


def test_without_routers_there_is_no_rate():
    model = tiny_wrapped.wrapped(selection="none", blocks=[])
    stage, _ = wrapped_stages(settings(selection="none"), model, context())
    assert stage.loss.costs is None and not stage.schedules
