"""Locks: one command at a time writes into a folder."""

import contextlib
import os
import pathlib
import socket
import sys

from tfdyn.errors import UserError
from tfdyn.temporary import finish, remove_leftovers

try:
    import fcntl
except ImportError:  # Windows has no such locks: nothing is locked there.
    fcntl = None

NAME = ".tfdyn-lock"


class LockedError(UserError):
    """Another process holds the lock of a folder."""


def is_locked(folder) -> bool:
    """Returns whether another process writes into a folder.

    Args:
        folder: Path of the folder. It need not exist.
    """
    path = pathlib.Path(folder, NAME)
    if fcntl is None or not path.exists():
        return False
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # A file system without locks.
        return False
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def locked(folder):
    """Returns a context during which no other command may write into a folder.

    The lock ends with the process, in whatever way that ends. What killed commands left
    behind in the folder is finished or removed first.

    ```python
    with locked("runs/NAME"):
        train()
    ```

    Args:
        folder: Path of the folder. It exists.

    Raises:
        LockedError: If another process holds the lock (the message names it).
        UserError: As from `tfdyn.temporary.finish`.
        OSError: If the folder cannot be written to.
    """
    path = pathlib.Path(folder, NAME)
    descriptor = _acquire(path) if fcntl else None
    try:
        finish(folder)
        remove_leftovers(folder)
        yield
    finally:
        if descriptor is not None:
            path.unlink(missing_ok=True)
            os.close(descriptor)


def _acquire(path):
    while True:
        # O_NOFOLLOW: a link in its place must not make us write elsewhere.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 1000).decode(errors="replace")
            os.close(descriptor)
            raise LockedError(
                f"{path.parent} is being written by another command ({holder}). Wait "
                f"until it ends, or choose another folder."
            ) from None
        except OSError:  # A file system without locks.
            pass
        # The last holder may have removed the file between the two calls.
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.lstat()):
            break
        os.close(descriptor)
    os.ftruncate(descriptor, 0)
    command = " ".join(sys.orig_argv)[:500]
    holder = f"process {os.getpid()} on {socket.gethostname()}: {command}"
    os.pwrite(descriptor, holder.encode(errors="replace"), 0)
    return descriptor
