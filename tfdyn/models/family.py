"""Family: all that the library must know about one family of networks."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TextIO


@dataclasses.dataclass(frozen=True)
class TrainingContext:
    """What a family's stages and callbacks may need besides settings and model.

    Attributes:
        steps_per_epoch: Number of training steps in an epoch.
        input_format: `InputFormat` of the images, with the names of the classes.
        run: `RunFolder` of the training.
        output: Stream for text that people read.
        validation: Function without arguments that returns the batches of validation
            images and labels; `None` if there are none.
    """

    steps_per_epoch: int
    input_format: Any
    run: Any
    output: TextIO | None = None
    validation: Callable | None = None


@dataclasses.dataclass(frozen=True)
class Family:
    """Describes a family of networks: its model, sizes, settings and training.

    Attributes:
        model: Subclass of `RoutedModel`.
        sizes: Mapping from names of networks to arguments of `model`.
        settings: Dataclass with the settings that only this family has.
        also_reads: Names of common settings that this family reads, but not every
            family.
        of_routers: Names of settings of this family that only routers read, or the
            loss of what a route costs.
        reads_without_routers: Names of common settings of routers that a network
            without routers reads, too.
        unread: Function of the `Settings` that returns a mapping from names of settings
            that a training with these `Settings` does not read to the reason, such as
            "--temperature_schedule=linear".
        overrides: Names of settings that replace an argument of a size, if they are
            not `None`.
        arguments: Function of the `Settings` and of the size's arguments that returns
            other arguments of `model`, as a mapping. They replace those of the size.
        stages: Function of `Settings`, model and `TrainingContext` that returns the
            list of `Stage`s of a training.
        start: Function of `Settings` and model that sets the weights of a new model
            that are not random.
        callbacks: Function of `Settings`, model and `TrainingContext` that returns
            the Keras callbacks that only this family has.
    """

    model: type
    sizes: Mapping[str, Mapping]
    settings: type
    arguments: Callable
    stages: Callable
    callbacks: Callable = lambda settings, model, context: []
    also_reads: tuple[str, ...] = ()
    start: Callable = lambda settings, model: None
    of_routers: tuple[str, ...] = ()
    reads_without_routers: tuple[str, ...] = ()
    unread: Callable = lambda settings: {}
    overrides: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the family: the name of its model's class."""
        return self.model.__name__

    @property
    def reads(self) -> frozenset[str]:
        """Names of the settings that this family reads, but not every family."""
        names = {field.name for field in dataclasses.fields(self.settings)}
        return frozenset(names.union(self.also_reads))
