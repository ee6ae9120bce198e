"""Temporary folders: what is being written, and what killed commands left of it.

What a command writes stands in a folder of the prefix `PREFIX` beside its target. Once
it is complete, that folder is renamed to the prefix `READY`, and its content is moved.
After a kill, whoever comes next removes the first, which may hold anything, and
finishes the second, which is complete.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile

from tfdyn.errors import UserError

try:
    import fcntl
except ImportError:  # Windows has no such locks: leftovers stay there.
    fcntl = None

PREFIX, READY = ".tfdyn-tmp-", ".tfdyn-ready-"
# File in a folder that was written whole: the names of all that was written.
LIST = ".tfdyn-files"
# Begin of the line in it that names the source. No name of a file begins so.
SOURCE = "//source "
# In a folder that is being finished: an older folder, which was moved out of the way.
_OLD = ".tfdyn-old"


@contextlib.contextmanager
def temporary_folder(parent):
    """Returns a context with a new folder, which is removed at its end.

    What killed commands left behind beside it is finished or removed first. The folder
    is locked: other commands see that its writer is alive.

    Args:
        parent: Path of the folder to make it in.

    Yields:
        The path, a `pathlib.Path`.

    Raises:
        UserError: As from `finish`.
        OSError: If the folder cannot be made or written to.
    """
    finish(parent)
    remove_leftovers(parent)
    folder, descriptor = _make(parent)
    try:
        yield folder
    except OSError as error:
        if error.errno and not error.filename:  # Such as a disk that is full.
            error.filename = str(parent)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def move_all(temporary: pathlib.Path, folder: pathlib.Path) -> None:
    """Moves all that is in a temporary folder into the folder that it lies in.

    If the process is killed in between, `finish` moves the rest.

    Args:
        temporary: What `temporary_folder` yielded. All in it is complete.
        folder: The folder that holds it.

    Raises:
        UserError: If a target is a folder where a file is written, or is not to be
            replaced (`check_replaceable`). Then nothing is moved.
        OSError: If something cannot be moved. The rest waits for `finish`.
    """
    _check_targets(temporary, folder)
    ready = temporary.with_name(READY + temporary.name.removeprefix(PREFIX))
    os.replace(temporary, ready)
    _move(ready, folder)


def finish(folder) -> None:
    """Moves what a command had written and was moving when it was killed.

    Readers of several files that belong together call it first. Then these files are
    all old or all new. If their writer is alive, it waits until that has moved them.

    Args:
        folder: Path of the folder of the files. It need not exist.

    Raises:
        UserError: If the files cannot be moved.
    """
    folder = pathlib.Path(folder)
    for ready in sorted(folder.glob(f"{READY}*")):
        if ready.is_symlink() or not ready.is_dir():
            continue
        try:
            with _lock(ready, wait=True):
                if ready.exists():
                    _check_targets(ready, folder)
                    _move(ready, folder)
        except FileNotFoundError:  # Its writer has just moved all.
            continue
        except OSError as error:
            raise UserError(
                f"{folder} holds files of two commands: one was killed while it moved "
                f"its files out of {ready}, and they cannot be moved now "
                f"({error.strerror}). Move them by hand, or delete {ready.name} and "
                f"run that command again."
            ) from error


def remove_leftovers(folder) -> None:
    """Removes what killed commands had begun to write in a folder.

    What a living command writes stays. So does everything where nothing can be locked.

    Args:
        folder: Path of the folder.
    """
    for path in pathlib.Path(folder).glob(f"{PREFIX}*"):
        if path.is_symlink() or not path.is_dir():
            continue
        with contextlib.suppress(OSError), _lock(path, wait=False) as is_locked:
            if is_locked:
                shutil.rmtree(path, ignore_errors=True)


def check_replaceable(path: pathlib.Path, source: str | None = None) -> None:
    """Checks that a folder is new, or holds only what `whole_folder` wrote.

    Args:
        path: Path of the folder.
        source: Text that is the same for all that may replace the folder, such as a
            digest of the network. A folder without one may be replaced by all.

    Raises:
        UserError: If the path is a file or a link, or the folder holds other files or
            is of another source.
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
        sources = {line for line in written if line.startswith(SOURCE)}
        if source is not None and sources and sources != {SOURCE + source}:
            raise UserError(
                f"{path} holds the export of another network, or of other weights: "
                f"move it away, or choose another folder."
            )
    stranger = next((name for name in names_in(path) if name not in written), None)
    if stranger is not None:
        raise UserError(
            f"{path} holds {stranger!r}, which this command did not write, and "
            f"would be replaced: move it away, or choose another folder."
        )


def names_in(folder: pathlib.Path):
    """Yields the paths of all that is in a folder, relative to it, as text."""
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def _make(parent):
    """Returns a new folder, and the descriptor of its lock or `None`."""
    while True:
        # A random name: nobody can have put a link in the way.
        folder = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        if fcntl is None:
            return folder, None
        with contextlib.suppress(FileNotFoundError):
            descriptor = _open(folder)
            with contextlib.suppress(OSError):  # A file system without locks.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)
        # Another command has removed it before it was locked.


@contextlib.contextmanager
def _lock(folder, wait):
    """Returns a context in which a folder is locked; yields whether it is.

    With `wait`, it waits until the holder of the lock ends.
    """
    if fcntl is None:
        yield False
        return
    descriptor = _open(folder)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            is_locked = True
        except OSError:  # Its writer is alive, or the file system has no locks.
            is_locked = False
        yield is_locked
    finally:
        os.close(descriptor)


def _open(folder):
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _check_targets(source, folder):
    """Checks that all in `source` can take its place in `folder`."""
    for path in source.iterdir():
        target = folder / path.name
        if path.name == _OLD:
            continue
        if path.is_dir():
            check_replaceable(target)
        elif target.is_dir() and not target.is_symlink():
            raise UserError(
                f"{target} is a folder, where a file is written: move it away, or "
                f"choose another folder."
            )


def _move(ready, folder):
    """Moves all in `ready` into `folder`, and removes `ready`."""
    for path in sorted(ready.iterdir()):
        target = folder / path.name
        if path.name == _OLD:
            continue
        if path.is_dir() and target.exists():
            shutil.rmtree(ready / _OLD, ignore_errors=True)
            os.replace(target, ready / _OLD)
        os.replace(path, target)
    shutil.rmtree(ready, ignore_errors=True)
