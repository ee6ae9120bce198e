"""Host: times `.tflite` files on this machine's CPU."""

import contextlib
import os
import platform
import statistics
import time

from export.interpreter import Interpreter, check_num_threads
from export.latency.devices.checks import check_run
from tfdyn import output
from tfdyn.costs.provenance import this_machine
from tfdyn.errors import UserError

# Number of runs before those that are timed. The first runs of a loaded file are slow.
WARM_UP = 5


class Host:
    """Times files on this machine's CPU, by LiteRT.

    ```python
    with Host().session({"model": "model.tflite"}, {}) as measure:
        milliseconds = measure("model")
    ```
    """

    name = "host"

    def describe(self) -> dict:
        """Returns processor, system and versions of this machine, a dict for JSON."""
        return {**this_machine(), "python": platform.python_version()}

    def close(self) -> None:
        """Does nothing: a host needs no end."""

    def check_threads(self, num_threads: int) -> None:
        """Checks a number of threads: at most one for each core.

        Raises:
            UserError: If it is below 1, or above the number of cores.
        """
        check_num_threads(num_threads)
        cores = os.cpu_count() or 1
        if num_threads > cores:
            raise UserError(
                f"num_threads={num_threads} is more than the {cores} cores of this "
                f"machine: time with at most one thread a core."
            )

    @contextlib.contextmanager
    def session(self, files: dict, inputs: dict[str, dict], num_threads: int = 1):
        """Yields a function that times files.

        The function loads a file for each call, because its place in memory decides how
        well caches serve it. So several names may share a file and still get
        independent times.

        Args:
            files: Mapping from names to paths of `.tflite` files.
            inputs: Mapping from the same names to mappings from names of inputs to
                arrays of the inputs' shapes. Axes of size 1 may be left out. Inputs
                and names that are left out are zeros.
            num_threads: Number of CPU threads, at most that of cores.

        Yields:
            A function `measure(name, runs=50)`. It runs the file of a name `runs`
            times, and returns the median time of a run in ms. It raises `UserError` if
            there is no such name, if `runs` is below 1, and as `Interpreter` does.

        Raises:
            UserError: If `num_threads` is below 1 or above the number of cores.
        """
        self.check_threads(num_threads)

        def measure(name, runs=50):
            check_run(name, files, runs)
            with output.quiet():  # LiteRT prints which delegate it uses.
                interpreter = Interpreter(files[name], num_threads)
            interpreter.set(**{**interpreter.inputs, **inputs.get(name, {})})
            return _median(interpreter.invoke, runs)

        yield measure


def _median(function, runs):
    """Returns the median time of a function in ms, after `WARM_UP` calls."""
    for _ in range(WARM_UP):
        function()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return 1e3 * statistics.median(seconds)
