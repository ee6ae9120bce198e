"""Files and folders that are written whole or not at all."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile

# Prefix of temporary files. Only a process that is killed leaves them behind.
PREFIX = "tmp."


@contextlib.contextmanager
def whole(path: str | pathlib.Path):
    """Returns a context for writing a file whole or not at all.

    The file is written under a temporary name in the same folder and renamed when the
    context ends. After an error, the old file is unchanged.

    ```python
    with whole("plot.png") as temporary:
        figure.savefig(temporary)
    ```

    Args:
        path: Path of the file.

    Yields:
        The temporary path, a `pathlib.Path`.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(PREFIX + path.name)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: str | pathlib.Path):
    """Returns a context for writing a folder whole or not at all.

    The folder is written under a temporary name and replaces the old folder when the
    context ends. After an error, the old folder is unchanged.

    Args:
        path: Path of the folder.

    Yields:
        The temporary path, a `pathlib.Path`. The folder does not exist yet.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(PREFIX + path.name)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: str | pathlib.Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | pathlib.Path, content) -> None:
    """Writes a JSON file, whole or not at all.

    Args:
        path: Path of the file.
        content: Anything that `json.dumps` accepts.
    """
    write_text(path, json.dumps(content, indent=1) + "\n")


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
