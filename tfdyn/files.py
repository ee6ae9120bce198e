"""Files and folders that are written whole or not at all."""

import contextlib
import json
import math
import os
import pathlib
import tempfile
from collections.abc import Callable

from tfdyn.errors import UserError
from tfdyn.temporary import (
    LIST,
    SOURCE,
    check_replaceable,
    move_all,
    names_in,
    temporary_folder,
)


@contextlib.contextmanager
def whole(path):
    """Returns a context for writing a file or folder whole or not at all.

    It is written in a new folder beside it and moved when the context ends. After an
    error, the old file is unchanged. If the path is a link, the link is replaced, and
    the file that it leads to is unchanged.

    ```python
    with whole("plot.png") as temporary:
        figure.savefig(temporary)
    ```

    Args:
        path: Path of the file.

    Yields:
        The temporary path, a `pathlib.Path`. Nothing is there yet.
    """
    path = pathlib.Path(path)
    with temporary_folder(path.parent) as folder:
        yield folder / path.name
        os.replace(folder / path.name, path)


@contextlib.contextmanager
def whole_set(folder):
    """Returns a context for writing several files that belong together.

    They are moved into the folder when the context ends: all of them, or after an
    error none. If the process is killed while it moves them, the next command that
    writes there moves the rest. So does a reader that calls `tfdyn.temporary.finish`.

    Args:
        folder: Path of the folder. It exists.

    Yields:
        The temporary folder, a `pathlib.Path`, to write the files in.

    Raises:
        UserError: If the path of a file is a folder.
    """
    folder = pathlib.Path(folder)
    with temporary_folder(folder) as temporary:
        yield temporary
        move_all(temporary, folder)


@contextlib.contextmanager
def whole_folder(path, source: str | None = None):
    """Returns a context for writing a folder whole or not at all.

    Its content is written elsewhere, and replaces the old folder when the context ends.
    After an error, the old folder is unchanged. The file `LIST` in it names what was
    written: an old folder that holds anything else is not ours to delete.

    Args:
        path: Path of the folder.
        source: As in `tfdyn.temporary.check_replaceable`.

    Yields:
        The temporary path, a `pathlib.Path`. The folder does not exist yet.

    Raises:
        UserError: If the path is a file or a link, or the old folder holds other files
            or is of another source.
    """
    path = pathlib.Path(path)
    check_replaceable(path, source)
    with temporary_folder(path.parent) as folder:
        new = folder / path.name
        yield new
        lines = sorted(names_in(new))
        lines += [SOURCE + source] if source is not None else []
        (new / LIST).write_text(
            "\n".join(lines), encoding="utf-8", errors="surrogateescape"
        )
        move_all(folder, path.parent)


def write_text(path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, content) -> None:
    """Writes a JSON file, whole or not at all.

    Args:
        path: Path of the file.
        content: Anything that `to_json` accepts.
    """
    write_text(path, to_json(content) + "\n")


def to_json(content) -> str:
    """Returns the text of a JSON file.

    JSON has no NaN and no infinity: such a number becomes null.

    Args:
        content: Anything that `json.dumps` accepts.
    """
    return json.dumps(_without_nan(content), indent=1, allow_nan=False)


def _without_nan(content):
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    finite = not isinstance(content, float) or math.isfinite(content)
    return content if finite else None


def check_inside(path: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Checks that no link leads from a path in a folder to a place outside of it.

    A folder from an archive or a repository may hold such a link. What is written
    there would change files elsewhere.

    Args:
        path: Path in the folder. It need not exist.
        folder: Path of the folder.

    Returns:
        The path.

    Raises:
        UserError: If a link leads out.
    """
    target = path.resolve()
    if not target.is_relative_to(folder.resolve()):
        raise UserError(
            f"{path} leads to {target}, outside of {folder}: nothing is written "
            f"through such a link. Remove it, or name {target} itself."
        )
    return path


def check_output(
    flag: str, path, ending: str, is_ours: Callable[[str], bool]
) -> pathlib.Path:
    """Checks the path of a file that the user names, before a long computation.

    A file that is there already is replaced only if the same command wrote it.

    Args:
        flag: Name of the flag, for errors.
        path: Path of the file. Its folder is made.
        ending: How its name must end, such as ".csv".
        is_ours: Function of the first 64 KiB of the file as text, that returns whether
            the command wrote it.

    Returns:
        The path.

    Raises:
        UserError: If the name has another ending, or something else is there.
        OSError: If its folder cannot be written to.
    """
    path = pathlib.Path(path)
    if path.suffix != ending or path.is_dir():
        raise UserError(
            f"--{flag}={path} must name a file that ends in {ending}, such as "
            f"{(path / 'result' if path.is_dir() else path).with_suffix(ending)}."
        )
    check_writable(path.parent)
    if os.path.lexists(path):
        start = ""
        if path.is_file() and not path.is_symlink():
            with open(path, encoding="utf-8", errors="replace") as file:
                start = file.read(2**16)
        if not is_ours(start):
            raise UserError(
                f"--{flag}={path} is there already, and this command did not write it: "
                f"name another file, or move that one away."
            )
    return path


def check_writable(folder: pathlib.Path) -> None:
    """Creates a folder, if it does not exist, and checks that it can be written to.

    Commands call it before a long computation.

    Args:
        folder: Path of the folder.

    Raises:
        OSError: If the folder cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(
            f"{folder} cannot be written to ({error.strerror}): choose another folder."
        ) from error
