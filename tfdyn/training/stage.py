"""Stages: a training is a list of them, each with an optimizer and schedules."""

import dataclasses
from collections.abc import Callable

import keras

from tfdyn.costs.cost_table import CostTable
from tfdyn.training.sgd import SGD


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of a training.

    Attributes:
        name: For people.
        epochs: Number of epochs.
        optimizer: Function of nothing that makes the stage's Keras optimizer.
        loss: What the model is compiled with.
        schedules: Mapping from names to pairs of a scalar variable and its schedule
            (`tfdyn.routing.schedules`), applied before each epoch.
        begin: Function of nothing, called before each epoch and before its optimizer is
            made: it says what of the model is trained.
        start: Function of nothing, called once, before its first epoch, which may set
            weights.
        threshold: T of the validation; default: the model's own.
        turns: Stages that take the epochs in turn, each with its own optimizer and loss
            instead of this one's; their `epochs` and `schedules` do not count.
    """

    name: str
    epochs: int
    optimizer: Callable | None = None
    loss: keras.losses.Loss | None = None
    schedules: dict = dataclasses.field(default_factory=dict)
    begin: Callable = lambda: None
    start: Callable = lambda: None
    threshold: float | None = None
    turns: tuple = ()


def sgd_stage(name, settings, steps_per_epoch, loss, changes):
    """Returns a `Stage` that is trained by SGD.

    Args:
        name: "pretrain" or "finetune", whose epochs and rate the settings have.
        settings: `TrainingSettings`.
        steps_per_epoch: Training steps of an epoch.
        loss: Its loss.
        changes: Its schedules.
    """
    epochs = getattr(settings, f"{name}_epochs")
    rate = getattr(settings, f"{name}_learning_rate")

    def optimizer():
        return sgd(settings, rate, epochs, steps_per_epoch)

    return Stage(name, epochs, optimizer, loss, changes)


def cost_table(settings, model):
    """Returns the `CostTable` that the settings price a model's cost by."""
    if settings.cost_table:
        return CostTable.load(settings.cost_table)
    return CostTable.count(model.modules, settings.cost_unit)


def sgd(settings, rate, epochs, steps_per_epoch):
    """Returns the optimizer of a stage.

    Args:
        settings: `TrainingSettings`.
        rate: Initial learning rate.
        epochs: Epochs of the stage.
        steps_per_epoch: Training steps of an epoch.
    """
    if settings.learning_rate_schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, epochs * steps_per_epoch)
    elif settings.learning_rate_schedule == "exponential":
        rate = keras.optimizers.schedules.ExponentialDecay(
            rate, steps_per_epoch, settings.learning_rate_decay, staircase=True
        )
    elif settings.learning_rate_schedule == "step":
        # Keras counts steps from 0, and lets a boundary belong to what is before it.
        lasts = [epoch * steps_per_epoch - 1 for epoch in settings.learning_rate_steps]
        decay = settings.learning_rate_decay
        rates = [rate * decay**i for i in range(len(lasts) + 1)]
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(lasts, rates)
    return SGD(rate, settings.momentum, settings.nesterov, l2=settings.weight_decay)
