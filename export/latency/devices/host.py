"""Host: this machine's CPU as a device that times `.tflite` files."""

import contextlib
import importlib.metadata
import os
import pathlib
import platform
import statistics
import time

from export.interpreter import Interpreter
from tfdyn import output
from tfdyn.errors import UserError

# Runs before those that are timed: the first of a file that was just loaded are slower.
WARM_UP = 5


class Host:
    """This machine's CPU, by LiteRT.

    ```python
    with Host().session({"model": "model.tflite"}, {}) as measure:
        milliseconds = measure("model")
    ```
    """

    name = "host"

    def describe(self):
        """Returns what ran, a dict ready for JSON."""
        return {
            "device": self.name,
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "ai-edge-litert": importlib.metadata.version("ai-edge-litert"),
        }

    @contextlib.contextmanager
    def session(self, files, inputs, num_threads=1):
        """Gives a function that times the files; names may share one.

        Where a file lies in memory decides how caches serve it, for as long as it is
        loaded: so it is loaded anew each time, and the times of names that share one do
        not share its luck.

        Args:
            files: Mapping from names to paths of `.tflite` files.
            inputs: Mapping from the same names to mappings from the names of inputs to
                arrays of their shapes, whose axes of size 1 may be left out; what is
                left out is zeros.
            num_threads: Threads of the CPU.

        Yields:
            A function of a name and, by default 50, `runs`: the median time of one of
            that many runs, in ms. It raises ValueError for a name that is not there,
            for less than one run, and as `Interpreter` does.
        """

        def measure(name, runs=50):
            if name not in files:
                raise UserError(f"The files are {', '.join(files)}; got {name}.")
            if runs < 1:
                raise UserError(f"runs is 1 or more; got {runs}.")
            with output.quiet():  # LiteRT tells of its delegate.
                interpreter = Interpreter(files[name], num_threads)
            interpreter.set(**{**interpreter.inputs, **inputs.get(name, {})})
            return _median(interpreter.invoke, runs)

        yield measure


def _median(function, runs):
    """Returns the median time of a function in ms, once it is warm."""
    for _ in range(WARM_UP):
        function()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return 1e3 * statistics.median(seconds)


def _processor():
    """Returns the name of the CPU, or what kind it is."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
