import signal
import subprocess
import sys

import pytest

PACKAGE = """
import os, signal, sys
sys.argv = ["{word}"]
# Who starts the tests in the background has it ignored, and that would stay so.
signal.signal(signal.SIGINT, signal.default_int_handler)
from tfdyn import interrupts
interrupts.leave_at_once()
try:
    {started}
    os.kill(os.getpid(), signal.SIGINT)
except BaseException:  # As a package does that guards its own imports.
    print("swallowed")
print("went on")
"""


def interrupt(word, started="pass"):
    code = PACKAGE.format(word=word, started=started)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )


def test_a_command_that_starts_ends_without_a_trace():
    result = interrupt("-m")
    assert (result.returncode, result.stdout) == (130, "")
    assert result.stderr == "\ninterrupted\n"


@pytest.mark.parametrize(
    ("word", "started"), [("-m", "interrupts.raise_as_usual()"), ("program.py", "pass")]
)
def test_a_command_that_has_started_and_a_program_get_the_exception(word, started):
    assert interrupt(word, started).stdout == "swallowed\nwent on\n"


def test_the_line_is_seen_while_tensorflow_is_held_back():
    started = "from tfdyn import output; output.quiet().__enter__()"
    assert interrupt("-m", started).stderr == "\ninterrupted\n"


def test_tests_keep_their_handler():
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        pytest.skip("Who started the tests has it ignored, and so it stays.")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
