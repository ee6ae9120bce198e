"""Fields of settings as absl flags: one definition for Python, flags and flagfiles."""

import dataclasses

from absl import flags


def setting(default, help, choices=None):
    """Returns a dataclass field that is a flag too.

    Args:
        default: Its default; for one of `None`, annotate the field `TYPE | None`.
        help: What it is, for `--help`.
        choices: Values that a string may have.
    """
    metadata = {"help": help, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


def define_flags(settings_class, flag_values=flags.FLAGS):
    """Defines a flag for each field of a settings class."""
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


def check_choices(settings):
    """Raises a ValueError if a string is not one of its field's choices."""
    for field in dataclasses.fields(settings):
        choices, value = field.metadata["choices"], getattr(settings, field.name)
        if choices and value not in choices:
            raise ValueError(
                f"--{field.name} is one of {', '.join(choices)}; got {value!r}."
            )


def from_flags(settings_class, flag_values=flags.FLAGS):
    """Returns the settings that the parsed flags hold."""
    values = {}
    for field in dataclasses.fields(settings_class):
        value = flag_values[field.name].value
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return settings_class(**values)


def to_flagfile(settings):
    """Returns the text of a flagfile that repeats the settings."""
    lines = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, bool):
            lines.append(f"--{'' if value else 'no'}{field.name}")
        elif isinstance(value, tuple):
            lines.append(f"--{field.name}={','.join(map(str, value))}")
        elif value is not None:
            lines.append(f"--{field.name}={value}")
    return "\n".join(lines) + "\n"


def from_flagfile(settings_class, path):
    """Returns the settings in a flagfile.

    Raises:
        ValueError: If the file holds an unknown flag or a value that is not one.
    """
    flag_values = flags.FlagValues()
    flags.DEFINE_string("flagfile", None, "", flag_values=flag_values)
    define_flags(settings_class, flag_values)
    try:
        _, *others = flag_values(["", f"--flagfile={path}"])
        if others:
            raise flags.Error(f"{others[0]!r} is not of the form --name=value.")
    except flags.Error as error:
        raise ValueError(f"{path} is not a flagfile of tfdyn: {error}") from error
    return from_flags(settings_class, flag_values)
