"""Runs a command, notes each change that it makes in a folder, and kills it at one.

`python benchmarks/killed.py LOG CHANGE FOLDER MODULE WORDS...`

LOG gets a line for each change that Python code makes: the time in seconds, what is
done, and the path. The process group is killed before change number CHANGE, counted
from 1; 0 kills nothing. What TensorFlow writes by itself is not seen.
"""

import os
import runpy
import signal
import sys
import time

WRITES = os.O_WRONLY | os.O_RDWR
# Audit events of changes: where their path stands, and where the folder that it is
# relative to.
EVENTS = {
    "open": (0, None),
    "os.mkdir": (0, 2),
    "os.rename": (1, 3),
    "os.remove": (0, 1),
    "os.rmdir": (0, 1),
}


def watch(log: str, change: int, folder: str) -> None:
    """From now on notes changes in a folder, and kills this process group at one.

    Args:
        log: File that lines are added to.
        change: Number of the change before which all is killed, from 1, or 0.
        folder: Path of the folder, absolute.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    changes = 0

    def note(event, arguments):
        nonlocal changes
        if event not in EVENTS or (event == "open" and not _writes(arguments)):
            return
        path = _path(arguments, *EVENTS[event])
        if path is None or not path.startswith(f"{folder}/"):
            return
        changes += 1
        if changes == change:
            os.killpg(0, signal.SIGKILL)
        line = f"{time.time():.6f} {event} {path.removeprefix(folder)}\n"
        os.write(descriptor, line.encode(errors="surrogateescape"))

    sys.addaudithook(note)


def _writes(arguments):
    flags = arguments[2]
    return isinstance(flags, int) and flags & WRITES


def _path(arguments, path_at, folder_at):
    """Returns the absolute path of a change, or `None` for an open descriptor."""
    path = arguments[path_at]
    if isinstance(path, int):
        return None
    path = os.fsdecode(path)
    if folder_at is not None and arguments[folder_at] != -1:
        path = os.path.join(os.readlink(f"/proc/self/fd/{arguments[folder_at]}"), path)
    return os.path.join(os.getcwd(), path)


if __name__ == "__main__":
    # As `python -m MODULE` has it. This file is no module for that command: with its
    # package, TensorFlow would be imported first.
    sys.path[0] = os.getcwd()
    log, change, folder, module, *words = sys.argv[1:]
    sys.argv = [module, *words]
    watch(log, int(change), folder)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
