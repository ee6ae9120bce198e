"""Interrupts: Ctrl-C while a command still starts ends it, without a trace.

TensorFlow takes seconds to import. An exception in the middle of it is a trace of 80
lines, or is swallowed by a package that guards its own imports.
"""

import os
import signal
import sys
from os import _exit as exit_at_once  # Documented, in spite of its name.

from tfdyn import output


def leave_at_once() -> None:
    """From now on Ctrl-C ends the process at once. Nothing may be half-written.

    Only in a process that Python starts with `-m`, and whose module it still looks for:
    a program that imports tfdyn keeps its own handler.
    """
    if sys.argv[:1] == ["-m"]:
        signal.signal(signal.SIGINT, _leave)


def raise_as_usual() -> None:
    """From now on Ctrl-C raises `KeyboardInterrupt` again, if it did not."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(number, frame):
    os.write(output.stderr, b"\ninterrupted\n")
    exit_at_once(130)
