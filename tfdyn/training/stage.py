"""Stage: a part of a training with its own loss, optimizer and schedules."""

import dataclasses
from collections.abc import Callable

import keras

from tfdyn.costs.cost_table import CostTable
from tfdyn.training.sgd import SGD


@dataclasses.dataclass(frozen=True)
class Stage:
    """A part of a training. A training is a list of stages.

    Attributes:
        name: String, used in messages and in `metrics.csv`.
        epochs: Integer, the number of epochs.
        optimizer: Function without arguments that returns the Keras optimizer.
        loss: Keras loss that the model is compiled with.
        schedules: Dict from names to pairs of a scalar Keras variable and its schedule
            (`tfdyn.routing.schedules`). Before each epoch, the variable is set to the
            value of the schedule.
        begin: Function without arguments that decides which weights are trained. It is
            called before the optimizer is created and before each epoch.
        start: Function without arguments that is called once, before the first epoch.
            It may set weights.
        end: Function without arguments that is called after the last epoch of the
            training, if this is its last stage, and again if the training is resumed
            after that epoch. It may set weights.
        threshold: T of the validation. `None`: the threshold of the model.
        turns: Tuple of stages that alternate, epoch by epoch. Each replaces the name,
            optimizer, loss, `begin` and threshold of this stage in its epochs. Its
            `epochs`, `schedules`, `start` and `end` are ignored.
    """

    name: str
    epochs: int
    optimizer: Callable | None = None
    loss: keras.losses.Loss | None = None
    schedules: dict = dataclasses.field(default_factory=dict)
    begin: Callable = lambda: None
    start: Callable = lambda: None
    end: Callable = lambda: None
    threshold: float | None = None
    turns: tuple = ()


def sgd_stage(
    name: str,
    settings,
    steps_per_epoch: int,
    loss: keras.losses.Loss,
    schedules: dict,
    factors: dict[str, float] | None = None,
) -> Stage:
    """Returns a `Stage` with SGD as its optimizer.

    Args:
        name: "pretrain" or "finetune". The settings `NAME_epochs` and
            `NAME_learning_rate` apply.
        settings: `TrainingSettings`.
        steps_per_epoch: Number of training steps in an epoch.
        loss: Keras loss of the stage.
        schedules: Schedules of the stage, as in `Stage`.
        factors: Factors of the learning rate by names of layers, as in `SGD`.
    """
    epochs = getattr(settings, f"{name}_epochs")
    learning_rate = getattr(settings, f"{name}_learning_rate")

    def optimizer():
        return sgd(settings, learning_rate, epochs, steps_per_epoch, factors)

    return Stage(name, epochs, optimizer, loss, schedules)


def cost_table(settings, model) -> CostTable:
    """Returns the `CostTable` that the loss of a training uses.

    Args:
        settings: `TrainingSettings`. It names the file of a table, or the unit of a
            table that is computed here.
        model: `RoutedModel`.

    Raises:
        UserError: If the file is not a cost table.
    """
    if settings.cost_table:
        return CostTable.load(settings.cost_table)
    return CostTable.count(model.modules, settings.cost_unit)


def sgd(
    settings,
    learning_rate: float,
    epochs: int,
    steps_per_epoch: int,
    factors: dict[str, float] | None = None,
) -> SGD:
    """Returns the SGD optimizer of a stage.

    Args:
        settings: `TrainingSettings`, with the momentum, the weight decay, the limit on
            the gradient and the schedule of the learning rate.
        learning_rate: Initial learning rate.
        epochs: Number of epochs of the stage.
        steps_per_epoch: Number of training steps in an epoch.
        factors: Factors of the learning rate by names of layers, as in `SGD`.
    """
    schedules, decay = keras.optimizers.schedules, settings.learning_rate_decay
    if settings.learning_rate_schedule == "cosine":
        learning_rate = schedules.CosineDecay(learning_rate, epochs * steps_per_epoch)
    elif settings.learning_rate_schedule == "exponential":
        learning_rate = schedules.ExponentialDecay(
            learning_rate, steps_per_epoch, decay, staircase=True
        )
    elif settings.learning_rate_schedule == "step":
        # Keras counts steps from 0, and a boundary is the last step before a change.
        ends = [epoch * steps_per_epoch - 1 for epoch in settings.learning_rate_steps]
        values = [learning_rate * decay**i for i in range(len(ends) + 1)]
        learning_rate = schedules.PiecewiseConstantDecay(ends, values)
    return SGD(
        learning_rate,
        settings.momentum,
        settings.nesterov,
        l2=settings.weight_decay,
        clip=settings.gradient_clip,
        factors=factors,
    )
