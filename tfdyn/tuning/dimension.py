"""Dimension: one setting that a search varies, read from a line of a space."""

import dataclasses
import difflib
from typing import Self

import keras_tuner

from tfdyn.errors import UserError
from tfdyn.families.networks import check_settings
from tfdyn.families.settings import Settings
from tfdyn.reading import is_there
from tfdyn.settings.fields import parse_value

MEND = (
    "A line is `NAME: LOW HIGH` (a range), `NAME: log LOW HIGH` (the same, drawn by "
    "its logarithm), or `NAME: choice VALUE VALUE …`; see configs/spaces/."
)
# Settings that make trials incomparable, or cost no training, with the reason.
FIXED = {
    "threshold": "every trial is evaluated at all --thresholds",
    "dataset": "all trials have the same images",
    "data_dir": "all trials have the same images",
    "validation_share": "all trials are compared on the same validation images",
}
# Settings that name a file or a folder.
FILES = ("codebook", "cost_table", "init_from")
FIELDS = {field.name: field for field in dataclasses.fields(Settings)}
# Digits of a number in a trial's settings: they are read and copied by people.
DIGITS = 4


@dataclasses.dataclass(frozen=True)
class Dimension:
    """One setting that a search varies.

    Attributes:
        name: Name of the setting.
        kind: "range", "log" or "choice".
        values: The lower and the upper end of a range, or all choices, as numbers, or
            as texts as in a flagfile.
    """

    name: str
    kind: str
    values: tuple

    def __str__(self):
        words = [] if self.kind == "range" else [self.kind]
        return f"{self.name}: {' '.join([*words, *map(str, self.values)])}"

    @classmethod
    def parse(cls, line: str) -> Self:
        """Reads a line of a space.

        Args:
            line: Text such as "cost_weight: log 0.01 1".

        Raises:
            UserError: If it is no such line, or the setting is unknown, cannot be
                searched, or has values of a wrong type.
        """
        name, colon, rest = line.partition(":")
        name, words = name.strip(), rest.split()
        if not colon:
            raise UserError(f"{line[:80]!r} has no colon. {MEND}")
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UserError(
                f"{name!r} is no setting; {hint}`python -m tfdyn.train --help` lists "
                f"them."
            )
        if name in FIXED:
            raise UserError(f"{name} cannot be searched: {FIXED[name]}. Leave it out.")
        kind = words.pop(0) if words[:1] in (["log"], ["choice"]) else None
        texts = tuple(words)
        try:
            values = tuple(parse_value(Settings, name, text) for text in texts)
        except ValueError as error:
            raise UserError(
                f"{name}: {rest.strip()!r} has a value that this setting cannot have "
                f"({error}). {MEND}"
            ) from error
        numbers = all(type(value) in (int, float) for value in values)
        if kind is None:
            kind = "range" if numbers and len(values) == 2 else "choice"
        if len(values) < 2 or len(set(values)) < len(values):
            raise UserError(f"{name} needs two different values at least. {MEND}")
        if kind != "choice" and not (numbers and len(values) == 2):
            raise UserError(f"{name}: {rest.strip()!r} is no range of numbers. {MEND}")
        if kind != "choice" and values[0] >= values[1]:
            raise UserError(
                f"{name}: the range from {values[0]} to {values[1]} is empty: write "
                f"the lower end first."
            )
        if kind == "log" and values[0] <= 0:
            raise UserError(
                f"{name}: a range drawn by its logarithm begins above 0, not at "
                f"{values[0]}."
            )
        return cls(name, kind, values if numbers else texts)

    def check(self, settings: Settings) -> None:
        """Checks that a training can have each value, of a range both ends.

        Args:
            settings: `Settings` that all trials share.

        Raises:
            UserError: If it cannot.
        """
        for value in self.values:
            if self.name in FILES and not is_there(value):
                raise UserError(f"{self.name}: there is no {value}. Name another path.")
            changes = {self.name: self.setting(value)}
            check_settings(dataclasses.replace(settings, **changes))

    def declare(self, hyperparameters: keras_tuner.HyperParameters) -> None:
        """Adds the setting to what keras-tuner searches.

        Args:
            hyperparameters: `keras_tuner.HyperParameters`.
        """
        if self.kind == "choice":
            hyperparameters.Choice(self.name, list(self.values))
            return
        whole = isinstance(self.values[0], int)
        number = hyperparameters.Int if whole else hyperparameters.Float
        sampling = "log" if self.kind == "log" else "linear"
        number(self.name, *self.values, sampling=sampling)

    def setting(self, value):
        """Returns keras-tuner's value as a value of the setting.

        Args:
            value: A number, or a text as in a flagfile.
        """
        if isinstance(value, str):
            return parse_value(Settings, self.name, value)
        if self.kind != "choice" and isinstance(value, float):
            low, high = self.values
            return min(max(float(f"{value:.{DIGITS}g}"), low), high)
        return value
