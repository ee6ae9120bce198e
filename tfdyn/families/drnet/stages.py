"""The training of DRNet and ISBNet, in stages (DRNet section 3.3)."""

from tfdyn.costs.route_cost import RouteCost
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.models.family import TrainingContext
from tfdyn.routing import schedules
from tfdyn.training.stage import Stage, cost_table, sgd_stage


def drnet_stages(settings, model: DRNet, context: TrainingContext) -> list[Stage]:
    """Returns the stages of a DRNet's training.

    Stage "pretrain" has no cost in its loss, and its temperature is constant. Stage
    "finetune" adds the expected cost to the loss, and the temperature falls. There the
    noise may fall too.

    In both, connections and branches are dropped. DRNet's shares are "linearly
    increased" (section 4.1), which may mean within each stage or over both. ISBNet has
    a "drop-path rate 0.7" (section 4.1), which names no rise.

    Args:
        settings: `Settings` of the run.
        model: `DRNet` to train.
        context: `TrainingContext` of the run.

    Returns:
        List of the one or two `Stage`s that have epochs.

    Raises:
        UserError: If the cost table lacks a module of the model.
    """
    terms = ("auxiliary_weight", "belief_weight", "dependence_weight")
    names = ("label_smoothing", *terms)
    losses = {name: getattr(settings, name) for name in names}
    cost = RouteCost(model.modules, cost_table(settings, model))
    drop = settings.finetune_drop_branch
    annealing = (settings.finetune_temperature_start, settings.finetune_temperature_end)
    if settings.temperature_schedule == "exponential":
        annealing = (*annealing, settings.temperature_decay)
    stages = [
        _stage(
            "pretrain",
            settings,
            model,
            context.steps_per_epoch,
            0,
            RoutingLoss(**losses),
            schedules.constant(settings.pretrain_temperature),
            settings.drop_branch,
        ),
        _stage(
            "finetune",
            settings,
            model,
            context.steps_per_epoch,
            settings.pretrain_epochs,
            RoutingLoss(cost, settings.cost_weight, settings.cost_form, **losses),
            getattr(schedules, settings.temperature_schedule)(*annealing),
            settings.drop_branch if drop is None else drop,
        ),
    ]
    return [stage for stage in stages if stage.epochs]


def _stage(
    name, settings, model, steps_per_epoch, first, loss, temperature, drop_branch
):
    selection = model.selection

    def drop(share):
        if settings.drop_schedule == "constant":
            return schedules.constant(share)
        ramp = schedules.linear(0.0, share)
        if settings.drop_schedule == "ramp":
            return ramp
        epochs = settings.pretrain_epochs + settings.finetune_epochs
        return schedules.part(ramp, first, epochs)

    changes = {
        "temperature": (selection.temperature, temperature),
        "drop_connection": (selection.drop_connection, drop(settings.drop_connection)),
        "drop_branch": (selection.drop_branch, drop(drop_branch)),
    }
    if selection.method == "gumbel_softmax":
        end = settings.noise_end if name == "finetune" else 1.0
        changes["noise"] = (selection.noise_scale, schedules.linear(1.0, end))
    factors = {"router": settings.router_learning_rate_factor}
    return sgd_stage(name, settings, steps_per_epoch, loss, changes, factors)
