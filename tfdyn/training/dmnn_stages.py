"""Stages of DMNN's training, and of its static twins (DMNN section 4.1)."""

from tfdyn.costs.route_cost import RouteCost
from tfdyn.data import categories
from tfdyn.losses.rate_loss import RateLoss, category_weights
from tfdyn.routing import schedules
from tfdyn.training.stages import Stage, cost_table, sgd


def dmnn_stages(settings, model, steps_per_epoch, class_names):
    """Returns the stages of a DMNN: one in the paper, with all losses (eq. 16).

    In a first stage, if it has epochs, all sub-blocks run and there is no target rate.

    Args:
        settings: `Settings`.
        model: `DMNN`.
        steps_per_epoch: Training steps of an epoch.
        class_names: Names of the classes, in the order of the labels.

    Raises:
        ValueError: If the cost table lacks a module of the model, or the categories
            a class.
    """
    learnt = {"label_smoothing": settings.label_smoothing}
    if model.category_heads:
        learnt["categories"] = categories.of_classes(settings.categories, class_names)
        learnt["category_weights"] = category_weights(model.stage_of_block)
    cost = None
    if model.routers:
        cost = RouteCost(model.modules, cost_table(settings, model))
    free = RateLoss(**learnt)
    held = RateLoss(cost, settings.target_rate, **learnt)
    noise = schedules.linear(1.0, settings.noise_end)
    stages = [
        _stage("pretrain", settings, model, steps_per_epoch, free, 1.0),
        _stage("finetune", settings, model, steps_per_epoch, held, 0.5, noise),
    ]
    return [stage for stage in stages if stage.epochs]


def _stage(name, settings, model, steps_per_epoch, loss, threshold, noise=None):
    epochs = getattr(settings, f"{name}_epochs")
    rate = getattr(settings, f"{name}_learning_rate")
    selection, changes = model.selection, {}
    if model.routers:
        always = schedules.constant(threshold)
        changes["noise"] = (selection.noise_scale, noise or schedules.constant(1.0))
        changes["training_threshold"] = (selection.training_threshold, always)
    return Stage(
        name,
        epochs,
        lambda: sgd(settings, rate, epochs, steps_per_epoch),
        loss,
        changes,
        # Validated as it is trained: with all sub-blocks.
        threshold=threshold if threshold == 1.0 else None,
    )
