"""The training of InstaNAS, in stages (InstaNAS section 3.1)."""

import dataclasses
from collections.abc import Callable

import keras

from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.families.instanas.instanas import InstaNAS
from tfdyn.families.instanas.policy_loss import PolicyLoss
from tfdyn.families.instanas.search_space import FALLBACK, MOBILENETV2
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.models.family import TrainingContext
from tfdyn.routing import schedules
from tfdyn.training.stage import Stage, cost_table, sgd

# The upper bound is at least (1 + MARGIN) times the lower bound, both without the cost
# of what always runs. With costs in MACs, the authors' bounds would cross.
MARGIN = 0.25
# Settings of SGD that the re-training, with Adam, does not read.
NOT_OF_RETRAINING = (
    "learning_rate_schedule",
    "learning_rate_decay",
    "learning_rate_steps",
    "momentum",
    "nesterov",
    "weight_decay",
    "gradient_clip",
)


def instanas_stages(settings, model: InstaNAS, context: TrainingContext) -> list[Stage]:
    """Returns the stages of an InstaNAS's training.

    Stage "pretrain" trains the meta-graph with all modules, some of which are dropped
    at random. Stage "joint" is the search: epochs of the router and of the meta-graph
    alternate, each with an optimizer of its own, as in the authors' code: the paper
    does not give them. Stage "finetune" trains the meta-graph with the router of an
    operating point.

    Args:
        settings: `Settings` of the run.
        model: `InstaNAS` to train.
        context: `TrainingContext` of the run.

    Returns:
        List of the `Stage`s that have epochs.

    Raises:
        UserError: If there is a search and the cost table lacks a module of the model,
            or all modules cost 0 in it; or if there is a stage "finetune" but no router
            that a search has trained.
    """
    trained_router = settings.joint_epochs or settings.init_from
    if settings.finetune_epochs and not trained_router:
        raise UserError(
            f"--finetune_epochs={settings.finetune_epochs} needs the router of a "
            f"search: set --joint_epochs, or --init_from=RUN/operating_points/C."
        )
    steps_per_epoch, run = context.steps_per_epoch, context.run
    task = RoutingLoss(label_smoothing=settings.label_smoothing)
    pretrain = Stage(
        "pretrain",
        settings.pretrain_epochs,
        lambda: sgd(
            settings,
            settings.pretrain_learning_rate,
            settings.pretrain_epochs,
            steps_per_epoch,
        ),
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
    _name_unread(settings, context.output)
    stages = [pretrain, finetune]
    if settings.joint_epochs:
        stages.insert(1, _joint(settings, model, task, steps_per_epoch))
    return [stage for stage in stages if stage.epochs]


def _name_unread(settings, output):
    """Writes which settings no stage reads.

    They are not refused: a flagfile for all stages holds those of stage 1, which is
    left out to re-train another operating point.
    """
    if settings.pretrain_epochs or not (settings.finetune_epochs and settings.retrain):
        return
    of_search = ("nesterov", "gradient_clip") if settings.joint_epochs else ()
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    names = [
        f"--{name}"
        for name in NOT_OF_RETRAINING
        if name not in of_search and getattr(settings, name) != defaults[name]
    ]
    if names and output:
        output.write(
            f"--retrain trains with Adam and does not read {', '.join(names)}: these "
            f"are settings of stage 1 and of --noretrain\n"
        )


def _joint(settings, model, task, steps_per_epoch):
    cost = RouteCost(model.modules, cost_table(settings, model))
    loss = PolicyLoss(
        cost,
        settings.reward_right,
        settings.reward_wrong,
        settings.entropy,
        settings.entropy_weight,
        settings.dependence_weight,
    )
    start, end, lower = bounds(settings, model, cost)
    turns = settings.joint_epochs // 2

    def upper(epoch, epochs):
        # An epoch of the router and the next, of the meta-graph, have the same bound.
        return schedules.linear(start, end)(epoch // 2, turns)

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
        lambda: _meta_graph_optimizer(settings, turns, steps_per_epoch),
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


def bounds(settings, model: InstaNAS, cost: RouteCost) -> tuple[float, float, float]:
    """Returns the bounds of the search on the cost of a route.

    Args:
        settings: `Settings` of the run.
        model: `InstaNAS` to train.
        cost: `RouteCost` of the model.

    Returns:
        The upper bound in the first epoch, the upper bound in the last epoch, and the
        lower bound: costs of whole routes, with what always runs, in the unit of
        `cost`.
    """
    names = [branch.name for branch in model.mixed_ops[0].branches]
    costs = [cost.branches[op.name] for op in model.mixed_ops]
    backbone = sum(cell_costs[names.index(MOBILENETV2)] for cell_costs in costs)
    # Only cells that cannot pass their input on must run a module.
    mandatory = [
        cell_costs
        for cell_costs, cell in zip(costs, model.cells, strict=True)
        if not cell.passes_on
    ]
    if settings.lower_bound == "fallback":
        lower = sum(cell_costs[names.index(FALLBACK)] for cell_costs in mandatory)
    else:
        lower = sum(min(cell_costs) for cell_costs in mandatory)
    least = (1 + MARGIN) * lower
    start = max(settings.upper_bound_start * cost.all_branches, least)
    end = max(settings.upper_bound_end * backbone, least)
    return tuple(float(cost.fixed + bound) for bound in (start, end, lower))


def drop_rate(last: float) -> Callable[[int, int], float]:
    """Returns a schedule that is 0 in the first half of a stage, then rises to `last`.

    Args:
        last: Probability of dropping a module in the last epoch, from 0 to 1.

    Returns:
        Schedule, a function of the epoch's index in the stage, from 0, and of the
        stage's number of epochs.
    """

    def rate(epoch, epochs):
        half = epochs // 2
        return last * max(0, epoch - half + 1) / (epochs - half)

    return rate


def _phase(model, name):
    def begin():
        model.phase = name

    return begin


def _meta_graph_optimizer(settings, turns, steps_per_epoch):
    """The SGD of the search, which reads settings of its own."""
    search = dataclasses.replace(
        settings,
        learning_rate_schedule=settings.meta_graph_schedule,
        momentum=settings.meta_graph_momentum,
        weight_decay=settings.meta_graph_weight_decay,
    )
    return sgd(search, settings.meta_graph_learning_rate, turns, steps_per_epoch)


def _finetune_optimizer(settings, steps_per_epoch):
    learning_rate, epochs = settings.finetune_learning_rate, settings.finetune_epochs
    if not settings.retrain:
        return sgd(settings, learning_rate, epochs, steps_per_epoch)
    decay = keras.optimizers.schedules.CosineDecay(
        learning_rate, epochs * steps_per_epoch
    )
    return keras.optimizers.Adam(decay)


def _start_finetuning(settings, model, run):
    """Loads the operating point; with `--retrain`, all but the router starts anew."""
    if settings.joint_epochs:
        point = run.operating_point(settings.operating_point).load_model()
        _copy(model, point)
    if settings.retrain:
        keras.utils.set_random_seed(settings.seed)
        new = model.from_config(model.get_config())
        for name in ("stem", "head"):
            _copy(getattr(model, name), getattr(new, name))
        for cell, new_cell in zip(model.cells, new.cells, strict=True):
            _copy(cell, new_cell)


def _copy(target, source):
    for weight, source_weight in zip(target.weights, source.weights, strict=True):
        weight.assign(source_weight)
