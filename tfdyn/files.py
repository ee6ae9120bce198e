"""Files and folders that are written whole or not at all."""

import contextlib
import json
import math
import os
import pathlib
import shutil
import tempfile

from tfdyn.errors import UserError

# Prefix of the folders that hold what is being written. They remain after a kill.
PREFIX = ".tfdyn-tmp-"
# File in a folder that was written whole: the names of all that was written.
LIST = ".tfdyn-files"


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
    with _temporary_folder(path.parent) as folder:
        yield folder / path.name
        os.replace(folder / path.name, path)


@contextlib.contextmanager
def whole_set(folder):
    """Returns a context for writing several files that belong together.

    They are moved into the folder when the context ends: all of them, or after an
    error none.

    Args:
        folder: Path of the folder. It exists.

    Yields:
        The temporary folder, a `pathlib.Path`, to write the files in.
    """
    with _temporary_folder(pathlib.Path(folder)) as temporary:
        yield temporary
        for path in sorted(temporary.iterdir()):
            os.replace(path, pathlib.Path(folder, path.name))


@contextlib.contextmanager
def whole_folder(path):
    """Returns a context for writing a folder whole or not at all.

    Its content is written elsewhere, and replaces the old folder when the context ends.
    After an error, the old folder is unchanged. The file `LIST` in it names what was
    written: an old folder that holds anything else is not ours to delete.

    Args:
        path: Path of the folder.

    Yields:
        The temporary path, a `pathlib.Path`. The folder does not exist yet.

    Raises:
        UserError: If the path is a file or a link, or the old folder holds other files.
    """
    path = pathlib.Path(path)
    check_replaceable(path)
    with _temporary_folder(path.parent) as folder:
        new = folder / path.name
        yield new
        names = "\n".join(sorted(_names(new)))
        (new / LIST).write_text(names, encoding="utf-8", errors="surrogateescape")
        check_replaceable(path)
        if path.exists():
            os.replace(path, folder / "old")
        os.replace(new, path)


def check_replaceable(path: pathlib.Path) -> None:
    """Checks that a folder is new, or holds only what `whole_folder` wrote.

    Args:
        path: Path of the folder.

    Raises:
        UserError: If the path is a file or a link, or the folder holds other files.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UserError(
            f"{path} should be a folder, or not exist, but is a "
            f"{'link' if path.is_symlink() else 'file'}: move it away."
        )
    written = {LIST}
    if (path / LIST).is_file():
        text = (path / LIST).read_text(encoding="utf-8", errors="surrogateescape")
        written.update(text.split("\n"))
    stranger = next((name for name in _names(path) if name not in written), None)
    if stranger is not None:
        raise UserError(
            f"{path} holds {stranger!r}, which this command did not write, and "
            f"would be replaced: move it away, or choose another folder."
        )


def _names(folder):
    """Yields the paths of all that is in a folder, relative to it."""
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@contextlib.contextmanager
def _temporary_folder(parent):
    # A new folder of a random name: nobody can have put a link in the way.
    folder = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        yield folder
    except OSError as error:
        if error.errno and not error.filename:  # Such as a disk that is full.
            error.filename = str(parent)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder) -> None:
    """Removes what killed commands left behind in a folder.

    Args:
        folder: Path of the folder. No other command may be writing into it.
    """
    for path in pathlib.Path(folder).glob(f"{PREFIX}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


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
