"""The training of DMNN and of its static twins, in stages (DMNN section 4.1)."""

import dataclasses
import functools

from tfdyn.costs.route_cost import RouteCost
from tfdyn.data import categories
from tfdyn.families.dmnn import rate_fit
from tfdyn.families.dmnn.dmnn import DMNN
from tfdyn.families.dmnn.rate_loss import RateLoss, category_weights
from tfdyn.models.family import TrainingContext
from tfdyn.routing import schedules
from tfdyn.training.stage import Stage, cost_table, sgd_stage


def dmnn_stages(settings, model: DMNN, context: TrainingContext) -> list[Stage]:
    """Returns the stages of a DMNN's training.

    The paper has one stage, "finetune", with the whole loss (eq. 16). Before it, there
    may be a stage "pretrain" with a target rate of 1, in which all sub-blocks learn.
    With a rate bias, the model's `rate_control` has the target, and not the loss. After
    the last epoch the biases are fitted on the validation images.

    Args:
        settings: `Settings` of the run.
        model: `DMNN` to train.
        context: `TrainingContext` of the run.

    Returns:
        List of the one or two `Stage`s that have epochs.

    Raises:
        UserError: If the cost table lacks a module of the model, or a class has no
            category.
    """
    arguments = {"label_smoothing": settings.label_smoothing}
    if model.category_heads:
        arguments["categories"] = categories.of_classes(
            settings.categories, context.input_format.class_names
        )
        arguments["category_weights"] = category_weights(model.stage_of_block)
    cost = None
    if model.routers:
        names = ("noise_free_rates", "rates_by_confidence", "block_rate_weight")
        names += ("belief_weight", "dependence_weight")
        arguments |= {name: getattr(settings, name) for name in names}
        cost = RouteCost(model.modules, cost_table(settings, model))
    control = model.rate_control
    if control:
        if not settings.block_rate_weight:
            control.hold_cost(cost)
        cost = None
    end = settings.target_rate
    start = settings.target_rate_start or end
    target_rate = {
        "pretrain": schedules.constant(1.0),
        "finetune": schedules.early(schedules.linear(start, end)),
    }
    noise = {
        "pretrain": schedules.constant(1.0),
        "finetune": schedules.linear(1.0, settings.noise_end),
    }
    stages = []
    for name, schedule in target_rate.items():
        loss, changes = RateLoss(cost, **arguments), {}
        if model.routers:
            changes["target_rate"] = ((control or loss).target_rate, schedule)
            changes["noise"] = (model.selection.noise_scale, noise[name])
        stages.append(sgd_stage(name, settings, context.steps_per_epoch, loss, changes))
    stages = [stage for stage in stages if stage.epochs]
    if control:
        end = functools.partial(rate_fit.fit, model, context.validation, context.output)
        stages[-1] = dataclasses.replace(stages[-1], end=end)
    return stages
