"""Commands in this process: TensorFlow is loaded once, not once for each command."""

import contextlib
import dataclasses
import io
import os
import runpy
import sys
import traceback
import warnings
from unittest import mock

from absl import app, flags

FLAGS = flags.FLAGS
app.define_help_flags()


@dataclasses.dataclass
class Result:
    """What a command did: its exit status, and what it printed."""

    status: int
    stdout: str
    stderr: str


def run(module, *words, cwd=None):
    """Runs a command such as `python -m tfdyn.train` to its end.

    Args:
        module: The command's module, "tfdyn.train".
        *words: Its flags and arguments.
        cwd: Folder that it runs in.
    """
    words = [str(word) for word in words]
    before = set(FLAGS)
    values = FLAGS.flag_values_dict() if FLAGS.is_parsed() else {}
    present = {name: FLAGS[name].present for name in before}
    stdout, stderr = io.StringIO(), io.StringIO()
    status, folder = 0, os.getcwd()
    argv = [sys.executable, "-m", module, *words]
    try:
        os.chdir(cwd or folder)
        with (
            mock.patch.object(sys, "argv", [module, *words]),
            mock.patch.object(sys, "orig_argv", argv),
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
            warnings.catch_warnings(),
        ):
            # Another test may have imported the command: it is run anew all the same.
            warnings.filterwarnings("ignore", ".*found in sys.modules", RuntimeWarning)
            runpy.run_module(module, run_name="__main__", alter_sys=False)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
        if isinstance(end.code, str):
            stderr.write(f"{end.code}\n")
    except BaseException:
        status = 1
        stderr.write(traceback.format_exc())
    finally:
        os.chdir(folder)
        # The command's own flags would be defined twice by the next one.
        for name in set(FLAGS) - before:
            delattr(FLAGS, name)
        for name in before:
            if name in values:
                FLAGS[name].value = values[name]
            FLAGS[name].present = present[name]
    return Result(status, stdout.getvalue(), stderr.getvalue())
