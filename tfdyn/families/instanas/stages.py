"""Stages of InstaNAS's training: pre-training, joint search, fine-tuning (3.1)."""

import keras

from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.families.instanas.operating_points import point_folder
from tfdyn.families.instanas.policy_loss import PolicyLoss
from tfdyn.families.instanas.search_space import FALLBACK, MOBILENETV2
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.routing import schedules
from tfdyn.training.stage import Stage, cost_table, sgd

# The upper bound stays this much above the lower one, as a share of the modules' cost
# at that: in MACs that of the authors' code would fall below it.
MARGIN = 0.25


def instanas_stages(settings, model, context):
    """Returns the stages of an InstaNAS: of those three the ones with epochs.

    Args:
        settings: `Settings`.
        model: `InstaNAS`.
        context: `TrainingContext`; its run keeps the search's operating points.

    Raises:
        ValueError: If the cost table lacks a module of the model, or there is nothing
            to fine-tune.
    """
    searched = settings.joint_epochs or settings.init_from
    if settings.finetune_epochs and not searched:
        raise UserError(
            "--finetune_epochs train under a router that was searched, and this one is "
            "not: set --joint_epochs, or --init_from=RUN/operating_points/C."
        )
    steps_per_epoch, run = context.steps_per_epoch, context.run
    task = RoutingLoss(label_smoothing=settings.label_smoothing)
    pretrain = Stage(
        "pretrain",
        settings.pretrain_epochs,
        lambda: _sgd(settings, "pretrain", settings.pretrain_epochs, steps_per_epoch),
        task,
        {"drop_rate": (model.selection.drop_rate, drop_rate(settings.drop_branch))},
        begin=_phase(model, "pretrain"),
        threshold=1.0,  # The router is not trained yet: all modules run.
    )
    finetune = Stage(
        "finetune",
        settings.finetune_epochs,
        lambda: _finetune_optimizer(settings, steps_per_epoch),
        task,
        begin=_phase(model, "finetune"),
        start=lambda: _start_finetuning(settings, model, run),
    )
    stages = [pretrain, _joint(settings, model, task, steps_per_epoch), finetune]
    return [stage for stage in stages if stage.epochs]


def _joint(settings, model, task, steps_per_epoch):
    cost = RouteCost(model.modules, cost_table(settings, model))
    loss = PolicyLoss(
        cost,
        settings.reward_right,
        settings.reward_wrong,
        settings.entropy,
        settings.entropy_weight,
    )
    start, end, lower = bounds(settings, model, cost)
    turns = settings.joint_epochs // 2

    def upper(epoch, epochs):
        return schedules.linear(start, end)(epoch // 2, turns)  # One for both turns.

    router = Stage(
        "router",
        turns,
        lambda: keras.optimizers.Adam(settings.router_learning_rate),
        loss,
        begin=_phase(model, "router"),
    )
    meta_graph = Stage(
        "meta_graph",
        turns,
        lambda: _sgd(settings, "meta_graph", turns, steps_per_epoch),
        task,
        begin=_phase(model, "meta_graph"),
    )
    return Stage(
        "joint",
        settings.joint_epochs,
        schedules={
            "upper_bound": (loss.upper, upper),
            "lower_bound": (loss.lower, schedules.constant(lower)),
        },
        turns=(router, meta_graph),
    )


def bounds(settings, model, cost):
    """Returns the first and the last upper bound, and the lower one.

    They are costs of whole routes, with what always runs.

    Args:
        settings: `Settings`.
        model: `InstaNAS`.
        cost: `RouteCost` of the model.
    """
    names = [branch.name for branch in model.mixed_ops[0].branches]
    costs = [cost.branches[op.name] for op in model.mixed_ops]
    backbone = sum(each[names.index(MOBILENETV2)] for each in costs)
    firsts = [
        each
        for each, cell in zip(costs, model.cells, strict=True)
        if not cell.passes_on
    ]
    if settings.lower_bound == "fallback":
        lower = sum(each[names.index(FALLBACK)] for each in firsts)
    else:
        lower = sum(min(each) for each in firsts)
    least = (1 + MARGIN) * lower
    start = max(settings.upper_bound_start * cost.all_branches, least)
    end = max(settings.upper_bound_end * backbone, least)
    return tuple(float(cost.fixed + each) for each in (start, end, lower))


def drop_rate(last):
    """Returns a schedule: 0 to the middle of a stage, then rising to `last`."""

    def rate(epoch, epochs):
        half = epochs // 2
        return last * max(0, epoch - half + 1) / (epochs - half)

    return rate


def _phase(model, name):
    def begin():
        model.phase = name

    return begin


def _sgd(settings, name, epochs, steps_per_epoch):
    rate = getattr(settings, f"{name}_learning_rate")
    return sgd(settings, rate, epochs, steps_per_epoch)


def _finetune_optimizer(settings, steps_per_epoch):
    rate, epochs = settings.finetune_learning_rate, settings.finetune_epochs
    if not settings.retrain:
        return sgd(settings, rate, epochs, steps_per_epoch)
    decay = keras.optimizers.schedules.CosineDecay(rate, epochs * steps_per_epoch)
    return keras.optimizers.Adam(decay)


def _start_finetuning(settings, model, run):
    """Takes the router of the operating point, and its meta-graph or a new one."""
    if settings.joint_epochs:
        point = point_folder(run, settings.operating_point).load_model()
        _copy(model, point)
    if settings.retrain:
        keras.utils.set_random_seed(settings.seed)
        new = model.from_config(model.get_config())
        for name in ("stem", "head"):
            _copy(getattr(model, name), getattr(new, name))
        for cell, other in zip(model.cells, new.cells, strict=True):
            _copy(cell, other)


def _copy(layer, other):
    for ours, theirs in zip(layer.weights, other.weights, strict=True):
        ours.assign(theirs)
