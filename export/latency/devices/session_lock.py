"""Session lock: one process of this computer at a time uses an Android device."""

import contextlib
import os
import pathlib
import tempfile

from tfdyn.errors import UserError
from tfdyn.locks import locked


@contextlib.contextmanager
def only_session(name: str):
    """Returns a context during which no other process of this user uses a device.

    A second one would remove the files of the first from the device.

    Args:
        name: Name of the device, part of the name of a temporary folder.

    Raises:
        UserError: If another process uses it. The message names the process.
        OSError: If the folder for temporary files cannot be written to.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = pathlib.Path(tempfile.gettempdir(), f"tfdyn-{name}-{user}")
    if folder.is_symlink():
        raise UserError(f"{folder} is a link, where a folder is expected: remove it.")
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.callback(_remove_if_empty, folder)
        try:
            stack.enter_context(locked(folder))
        except UserError as error:
            raise UserError(f"{name} has one session at a time: {error}") from error
        yield


def _remove_if_empty(folder):
    with contextlib.suppress(OSError):  # Another process holds the lock in it.
        folder.rmdir()
