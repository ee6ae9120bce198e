"""Timing: times functions in turn, and processes from their start."""

import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import keras
import tensorflow as tf

from export.latency import rounds as export_rounds


def alternate(functions: dict, rounds: int) -> dict[str, list[float]]:
    """Times functions in turn (`export.latency.rounds.alternate`).

    Args:
        functions: Mapping from names to functions without arguments. Each is called
            once before the timing, to warm up.
        rounds: Number of times that each function is timed.

    Returns:
        Mapping from names to lists of seconds, one for each round.
    """
    for function in functions.values():
        function()

    def measure(name):
        start = time.perf_counter()
        functions[name]()
        return time.perf_counter() - start

    return export_rounds.alternate(measure, functions, (rounds, rounds))


def comparison(numerator: list[float], denominator: list[float]) -> dict:
    """Compares the times of two functions round by round.

    Args:
        numerator: Seconds of one function, one number for each round.
        denominator: Seconds of the other, for the same rounds.

    Returns:
        A dict ready for JSON: `rounds`, their number; `ratio`, the median over the
        rounds of the first time divided by the second; `ratio_quartiles`, its lower
        and upper quartile; and `machine`.
    """
    ratios = [a / b for a, b in zip(numerator, denominator, strict=True)]
    return {
        "rounds": len(ratios),
        "ratio": statistics.median(ratios),
        "ratio_quartiles": statistics.quantiles(ratios)[::2],
        "machine": machine(),
    }


def in_a_process(module: str, *arguments: str) -> tuple[float, dict]:
    """Runs `python -m MODULE ARGUMENTS`, and times it to its first line of output.

    Args:
        module: Name of a Python module.
        *arguments: Words of the command.

    Returns:
        Seconds from the start to the first line of the output, and the JSON object in
        its last line.

    Raises:
        ChildProcessError: If the process fails.
    """
    start = time.perf_counter()
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        first_line = process.stdout.readline()
        seconds = time.perf_counter() - start
        next_lines = process.stdout.read()
    if process.returncode:
        raise ChildProcessError(
            f"{' '.join(command)} failed with exit status {process.returncode}. Run it "
            f"alone to see why."
        )
    return seconds, json.loads((first_line + next_lines).splitlines()[-1])


def peak_memory() -> float:
    """Returns the most memory that this process has held so far, in MiB.

    Raises:
        OSError: If the system is not Linux, which has the file `/proc/self/status`.
    """
    # getrusage would count the memory of the parent process too.
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def machine() -> dict:
    """Returns a dict with the machine's cores and the versions of packages."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
