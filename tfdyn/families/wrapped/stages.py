"""The training of a wrapped model, in one or two stages."""

import dataclasses
import functools

from tfdyn.costs.route_cost import RouteCost
from tfdyn.families.wrapped.loss import WrappedLoss
from tfdyn.families.wrapped.wrapped import Wrapped
from tfdyn.models.family import TrainingContext
from tfdyn.routing import schedules
from tfdyn.training.stage import Stage, cost_table, sgd_stage


def wrapped_stages(settings, model: Wrapped, context: TrainingContext) -> list[Stage]:
    """Returns the stages of a wrapped model's training.

    In the stage "pretrain" the original's weights stay as they are, and its batch norms
    as in inference: only routers and heads of exits are trained. In "finetune" all
    weights are. The target rate falls to `target_rate` in the first half of each.

    Args:
        settings: `Settings` of the run.
        model: `Wrapped` to train.
        context: `TrainingContext` of the run.

    Returns:
        List of the one or two `Stage`s that have epochs.

    Raises:
        UserError: If the cost table lacks a module of the model.
    """
    costs = None
    if model.routers:
        cost = RouteCost(model.modules, cost_table(settings, model))
        costs = model.costs_of_blocks(cost)
    target = settings.target_rate
    start = settings.target_rate_start or target
    stages = []
    for name, trainable in (("pretrain", False), ("finetune", True)):
        loss = WrappedLoss(settings.distil, settings.label_smoothing, costs, target)
        changes = {}
        if model.routers:
            rate = schedules.early(schedules.linear(start, target))
            noise = schedules.linear(1.0, settings.noise_end)
            changes = {
                "target_rate": (loss.target_rate, rate),
                "noise": (model.selection.noise_scale, noise),
            }
        stage = sgd_stage(name, settings, context.steps_per_epoch, loss, changes)
        begin = functools.partial(model.train_original, trainable)
        stages.append(dataclasses.replace(stage, begin=begin))
    return [stage for stage in stages if stage.epochs]
