"""Stages of DMNN's training, and of its static twins (DMNN section 4.1)."""

from tfdyn.costs.route_cost import RouteCost
from tfdyn.data import categories
from tfdyn.families.dmnn.rate_loss import RateLoss, category_weights
from tfdyn.routing import schedules
from tfdyn.training.stage import cost_table, sgd_stage


def dmnn_stages(settings, model, context):
    """Returns the stages of a DMNN: one in the paper, with all losses (eq. 16).

    In a first stage, if it has epochs, the target rate is 1: all sub-blocks learn.

    Args:
        settings: `Settings`.
        model: `DMNN`.
        context: `TrainingContext`.

    Raises:
        ValueError: If the cost table lacks a module of the model, or the categories
            a class.
    """
    learnt = {"label_smoothing": settings.label_smoothing}
    if model.category_heads:
        learnt["categories"] = categories.of_classes(
            settings.categories, context.input_format.class_names
        )
        learnt["category_weights"] = category_weights(model.stage_of_block)
    cost = None
    if model.routers:
        cost = RouteCost(model.modules, cost_table(settings, model))
    end = settings.target_rate
    start = settings.target_rate_start or end
    rates = {
        "pretrain": schedules.constant(1.0),
        "finetune": schedules.early(schedules.linear(start, end)),
    }
    noise = {
        "pretrain": schedules.constant(1.0),
        "finetune": schedules.linear(1.0, settings.noise_end),
    }
    stages = []
    for name, rate in rates.items():
        loss, changes = RateLoss(cost, **learnt), {}
        if model.routers:
            changes["target_rate"] = (loss.target_rate, rate)
            changes["noise"] = (model.selection.noise_scale, noise[name])
        stages.append(sgd_stage(name, settings, context.steps_per_epoch, loss, changes))
    return [stage for stage in stages if stage.epochs]
