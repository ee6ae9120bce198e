"""Fields of settings as absl flags: one definition for Python and commands."""

import dataclasses
import math

from absl import flags

from tfdyn.errors import UserError

# The ranges of numbers: how errors name a range, and the test of whether a number is
# in it.
RANGES = {
    "above 0": lambda number: number > 0,
    "at least 0": lambda number: number >= 0,
    "at least 1": lambda number: number >= 1,
    "at most 0": lambda number: number <= 0,
    "at least 0 and below 1": lambda number: 0 <= number < 1,
    "above 0 and at most 1": lambda number: 0 < number <= 1,
}


def setting(
    default,
    help: str,
    choices: tuple[str, ...] | None = None,
    within: str | None = None,
) -> dataclasses.Field:
    """Returns a dataclass field that is a flag too.

    Args:
        default: Default of the setting. For a default of `None`, annotate the field
            `TYPE | None`.
        help: Text for `--help`.
        choices: Values that a string may have.
        within: Range that a number must lie in: a key of `RANGES`, or "from A to B".
    """
    metadata = {"help": help, "choices": choices, "within": within}
    return dataclasses.field(default=default, metadata=metadata)


def define_flags(settings_class: type, flag_values=flags.FLAGS) -> None:
    """Defines a flag for each field of a settings class.

    Args:
        settings_class: Dataclass whose fields come from `setting`.
        flag_values: `absl.flags.FlagValues` that gets the flags.
    """
    for field in dataclasses.fields(settings_class):
        kind = str(getattr(field.type, "__name__", field.type)).split(" | ")[0]
        default, text = field.default, field.metadata["help"]
        choices = field.metadata["choices"]
        if isinstance(default, tuple):
            default = [str(item) for item in default]
        if choices:
            flags.DEFINE_enum(
                field.name, default, choices, text, flag_values=flag_values
            )
        else:
            define = DEFINITIONS[kind]
            define(field.name, default, text, flag_values=flag_values)


DEFINITIONS = {
    "bool": flags.DEFINE_bool,
    "int": flags.DEFINE_integer,
    "float": flags.DEFINE_float,
    "str": flags.DEFINE_string,
    "tuple": flags.DEFINE_list,
}


def parse_value(settings_class: type, name: str, text: str):
    """Returns the value of a setting whose flag is `--NAME=TEXT`.

    Args:
        settings_class: Dataclass whose fields come from `setting`.
        name: Name of the setting.
        text: The value as in a flagfile.

    Raises:
        UserError: If the text is no value of the setting's type.
    """
    flag_values = flags.FlagValues()
    define_flags(settings_class, flag_values)
    try:
        flag_values(["", f"--{name}={text}"])
    except flags.Error as error:
        raise UserError(str(error)) from error
    value = flag_values[name].value
    return tuple(value) if isinstance(value, list) else value


def check_fields(settings) -> None:
    """Checks that every value is one of its field's choices and in its range.

    Args:
        settings: Instance of a settings class.

    Raises:
        UserError: If a value is not. The message names the flag.
    """
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        choices, within = field.metadata["choices"], field.metadata["within"]
        if choices and value not in choices:
            raise UserError(
                f"--{field.name} is one of {', '.join(choices)}; got {value!r}."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"--{field.name} must be a finite number; got {value}.")
        if within and value is not None and not is_within(value, within):
            raise UserError(f"--{field.name} must be {within}; got {value}.")


def is_within(number, within: str) -> bool:
    """Returns whether a number lies in a range that `setting` describes in words."""
    if within in RANGES:
        return RANGES[within](number)
    _, least, _, most = within.split()
    return float(least) <= number <= float(most)


def differences(settings, others) -> list[tuple]:
    """Returns the fields in which two settings differ.

    Args:
        settings: Instance of a settings class.
        others: Instance of the same class.

    Returns:
        For each such field its name, and the two values.
    """
    names = (field.name for field in dataclasses.fields(settings))
    values = ((name, getattr(settings, name), getattr(others, name)) for name in names)
    return [(name, first, second) for name, first, second in values if first != second]


def from_flags(settings_class: type, flag_values=flags.FLAGS):
    """Returns the settings that the parsed flags hold.

    Args:
        settings_class: Dataclass whose flags were defined by `define_flags`.
        flag_values: `absl.flags.FlagValues` to read.

    Raises:
        UserError: If a value is wrong.
    """
    values = {}
    for field in dataclasses.fields(settings_class):
        value = flag_values[field.name].value
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return settings_class(**values)
