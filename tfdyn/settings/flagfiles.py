"""Flagfiles: settings as lines of text, read and written."""

import dataclasses
import os

from absl import flags

from tfdyn.errors import UserError
from tfdyn.reading import read_text
from tfdyn.settings.fields import define_flags, from_flags
from tfdyn.text import is_line

MEND = "A flagfile has lines --name=value, and comments that begin with #."


def expand(words: list[str]) -> list[str]:
    """Replaces each `--flagfile=FILE` by the lines of the file.

    absl does this too. It stops with a trace at a file that is no text, and at the byte
    order mark that editors of Windows write. A flagfile may name another one, which is
    looked for in the current folder, as absl does, and then beside it.

    Args:
        words: Words of a command, without its name.

    Returns:
        The words, in the same order. Those after "--" are left as they are.

    Raises:
        UserError: If a file is no text, or names itself.
        OSError: If there is no such file, or it cannot be read.
    """
    return list(_expand(words, ()))


def _expand(words, parents):
    words = iter(words)
    for word in words:
        if word == "--":
            yield word
            yield from words
            return
        name, equals, value = word.partition("=")
        if name not in ("--flagfile", "-flagfile"):
            yield word
            continue
        path = value if equals else next(words, "")
        if not path:
            raise UserError("--flagfile names no file: write --flagfile=FILE.")
        if parents and not os.path.exists(path):
            beside = os.path.join(os.path.dirname(parents[-1]), path)
            path = beside if os.path.exists(beside) else path
        if os.path.realpath(path) in map(os.path.realpath, parents):
            raise UserError(f"{path} names itself as a --flagfile: remove that line.")
        lines = map(str.strip, read_text(path, "a flagfile", MEND).splitlines())
        lines = [line for line in lines if line and not line.startswith(("#", "//"))]
        for line in lines:
            if not line.startswith("-"):
                raise UserError(f"{path} is not a flagfile: {line[:80]!r}. {MEND}")
        yield from _expand(lines, (*parents, path))


def to_flagfile(settings) -> str:
    """Returns the text of a flagfile that repeats the settings.

    Args:
        settings: Instance of a settings class.

    Raises:
        UserError: If a line cannot hold a value as it is: text with a space at an end,
            with a line break, or with bytes that are not UTF-8.
    """
    lines = []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, bool):
            lines.append(f"--{'' if value else 'no'}{field.name}")
        elif isinstance(value, tuple):
            lines.append(f"--{field.name}={','.join(map(str, value))}")
        elif value is not None:
            lines.append(f"--{field.name}={_checked(field.name, value)}")
    return "\n".join(lines) + "\n"


def _checked(name, value):
    text = str(value)
    if text and (text != text.strip() or not is_line(text)):
        raise UserError(
            f"--{name}={text!r} cannot be kept in a run's flags.txt: it begins or ends "
            f"with a space, has a line break, or is not UTF-8. Rename what it names."
        )
    return text


def from_flagfile(settings_class: type, path):
    """Reads settings from a flagfile.

    Args:
        settings_class: Dataclass whose fields come from `setting`.
        path: Flagfile, as `to_flagfile` writes it.

    Raises:
        UserError: If the file holds an unknown flag or a wrong value.
        OSError: If there is no such file, or it cannot be read.
    """
    flag_values = flags.FlagValues()
    define_flags(settings_class, flag_values)
    words = expand([f"--flagfile={path}"])
    try:
        _, *others = flag_values(["", *words])
        if others:
            raise flags.Error(f"{others[0]!r} is not of the form --name=value.")
    except flags.Error as error:
        raise UserError(f"{path} is not a flagfile of tfdyn: {error}") from error
    return from_flags(settings_class, flag_values)
