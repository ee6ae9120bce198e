"""Chromium: starts a headless browser of this machine."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from tfdyn.errors import UserError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
)


def find(program: str | None = None) -> str:
    """Returns the path of a browser that can run headless.

    Args:
        program: Its path or name. Default: the first of `NAMES` on the PATH.

    Raises:
        UserError: If there is none.
    """
    for name in [program] if program else NAMES:
        if path := shutil.which(name):
            return path
    if program:
        raise UserError(
            f"--browser={program} is no program: name a Chromium or Chrome."
        )
    raise UserError(
        f"There is no browser on the PATH ({', '.join(NAMES)}): install one, or name "
        f"it with --browser=PATH."
    )


@contextlib.contextmanager
def headless(program: str, address: str):
    """Returns a context in which a headless browser shows a page.

    It begins with a profile of its own, which is removed at the end.

    Args:
        program: Path of a Chromium or Chrome.
        address: Address of the page.

    Yields:
        The process, a `subprocess.Popen`.

    Raises:
        UserError: If the program cannot be run.
    """
    # Chromium refuses to run in its sandbox as root, as in a container.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = [*FLAGS, "--no-sandbox"] if is_root else FLAGS
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        profile = pathlib.Path(folder, "profile")
        command = [program, *flags, f"--user-data-dir={profile}", address]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise UserError(
                f"--browser={program} cannot be run ({error.strerror})."
            ) from error
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
