"""Space: the settings that a search varies, read from a small file."""

import pathlib
from typing import Self

import keras_tuner

from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.reading import read_text
from tfdyn.tuning.dimension import MEND, Dimension


class Space:
    """The settings that a search varies.

    Args:
        dimensions: List of `Dimension`.
    """

    def __init__(self, dimensions: list[Dimension]):
        self.dimensions = {dimension.name: dimension for dimension in dimensions}

    def __str__(self):
        return "\n".join(map(str, self.dimensions.values()))

    @classmethod
    def load(cls, path: str | pathlib.Path, settings: Settings) -> Self:
        """Reads a space, and checks every value in it.

        Args:
            path: File with a line for each setting.
            settings: `Settings` that all trials share.

        Raises:
            UserError: If the file is no space, or a setting is unknown, of another
                family, of a wrong type or not in its range.
            OSError: If there is no such file.
        """
        dimensions = {}
        lines = read_text(path, "a search space", MEND).splitlines()
        for number, line in enumerate(lines, 1):
            line = line.partition("#")[0].strip()
            if not line:
                continue
            try:
                dimension = Dimension.parse(line)
                dimension.check(settings)
                if dimension.name in dimensions:
                    raise UserError(f"{dimension.name} has two lines: leave one out.")
            except UserError as error:
                raise UserError(f"{path}, line {number}: {error}") from error
            dimensions[dimension.name] = dimension
        if not dimensions:
            raise UserError(f"{path} names no setting. {MEND}")
        return cls(list(dimensions.values()))

    def hyperparameters(self) -> keras_tuner.HyperParameters:
        """Returns the space as keras-tuner has it."""
        hyperparameters = keras_tuner.HyperParameters()
        for dimension in self.dimensions.values():
            dimension.declare(hyperparameters)
        return hyperparameters

    def values(self, values: dict) -> dict:
        """Returns the values of a trial as values of settings, by name.

        Args:
            values: Values of a trial of keras-tuner, by name.
        """
        return {
            name: dimension.setting(values[name])
            for name, dimension in self.dimensions.items()
        }
