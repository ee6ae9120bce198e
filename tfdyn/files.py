"""Files that appear whole or not at all."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile

# A kill may leave a file of this prefix behind; an error does not.
PREFIX = "tmp."


@contextlib.contextmanager
def whole(path):
    """Gives a temporary path beside `path`; what is written there takes its name.

    ```python
    with whole("plot.png") as temporary:
        figure.savefig(temporary)
    ```
    """
    path = pathlib.Path(path)
    temporary = path.with_name(PREFIX + path.name)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path):
    """As `whole`, for a folder, which takes the place of one that was there."""
    path = pathlib.Path(path)
    temporary = path.with_name(PREFIX + path.name)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path, text):
    """Writes a text file."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, content):
    """Writes a JSON file."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def check_writable(folder: pathlib.Path) -> None:
    """Makes a folder and checks that it can be written to.

    Called before anything is computed for it.

    Args:
        folder: The folder.

    Raises:
        OSError: If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(
            f"{folder} cannot be written to ({error.strerror}); choose another folder."
        ) from error
