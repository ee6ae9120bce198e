"""Reading: small text and JSON files, checked before they are trusted."""

import json
import os
import pathlib
import stat

from tfdyn.errors import UserError

LARGEST = 64 * 2**20


def check_file(path, largest: int | None = None) -> pathlib.Path:
    """Checks that a path is an ordinary file that can be read, before it is opened.

    Args:
        path: Path of the file.
        largest: Largest size in bytes, or `None`.

    Returns:
        The path.

    Raises:
        UserError: If it is a folder, a pipe or a device, or is too large.
        FileNotFoundError: If there is no such file, or a link leads nowhere.
        PermissionError: If this user may not read it.
    """
    path = pathlib.Path(path)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if path.is_dir() else "no ordinary file"
        raise UserError(f"{path} is {kind}; a file is expected.")
    if not os.access(path, os.R_OK):
        raise PermissionError(
            f"{path} may not be read by this user: change its permissions."
        )
    if largest is not None and status.st_size > largest:
        raise UserError(
            f"{path} has {status.st_size} bytes, which is more than the {largest} that "
            f"such a file may have. Name another file."
        )
    return path


def is_there(path) -> bool:
    """Returns whether anything stands at a path, be it a link that leads nowhere.

    A file that may be missing is read if this is true: such a link is then an error.

    Args:
        path: Path of the file.
    """
    return os.path.lexists(path)


def read_text(path, kind: str, mend: str) -> str:
    """Reads a text file in UTF-8. A byte order mark at its beginning is left out.

    Args:
        path: Path of the file.
        kind: What the file should be, for errors: "a cost table".
        mend: How to get such a file, for errors: a sentence.

    Raises:
        UserError: If it is no text, no ordinary file, or larger than 64 MiB.
        FileNotFoundError: If there is no such file.
        OSError: If it cannot be read.
    """
    try:
        return check_file(path, LARGEST).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no {path}, {kind}. {mend}") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not {kind}: it is not text in UTF-8 ({error}). {mend}"
        ) from error


def read_json(path, kind: str, mend: str, root: type = dict):
    """Reads a JSON file whose root is an object, or a list.

    Args:
        path: Path of the file.
        kind: What the file should be, for errors: "a cost table".
        mend: How to get such a file, for errors: a sentence.
        root: Type of the root: `dict` or `list`.

    Raises:
        UserError: If it is no such JSON, no ordinary file, or larger than 64 MiB.
        FileNotFoundError: If there is no such file.
        OSError: If it cannot be read.
    """
    text = read_text(path, kind, mend)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        reason = "it is nested too deep" if deep else error
        raise UserError(f"{path} is not {kind}: {reason}. {mend}") from error
    if not isinstance(content, root):
        expected = {dict: "an object", list: "a list"}[root]
        raise UserError(
            f"{path} is not {kind}: its JSON is a {type(content).__name__}, not "
            f"{expected}. {mend}"
        )
    return content
