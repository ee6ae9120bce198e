"""Timing: functions side by side in turn, and processes from their start."""

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
        rounds: Number of times that each is timed.

    Returns:
        Mapping from names to seconds, one for each round.
    """
    for function in functions.values():
        function()

    def measure(name):
        start = time.perf_counter()
        functions[name]()
        return time.perf_counter() - start

    return export_rounds.alternate(measure, functions, (rounds, rounds))


def comparison(numerator, denominator):
    """Returns the ratio of two lists of seconds, round by round, and the machine."""
    ratios = [a / b for a, b in zip(numerator, denominator, strict=True)]
    return {
        "rounds": len(ratios),
        "ratio": statistics.median(ratios),
        "ratio_quartiles": statistics.quantiles(ratios)[::2],
        "machine": machine(),
    }


def in_a_process(module, *arguments):
    """Runs `python -m module arguments` up to its first line and to its end.

    Returns:
        Seconds from the start to the first line of its output, and the JSON object
        that is its last line.
    """
    start = time.perf_counter()
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
        rest = process.stdout.read()
    if process.returncode:
        raise ChildProcessError(f"{' '.join(command)} failed: {process.returncode}.")
    return seconds, json.loads((line + rest).splitlines()[-1])


def peak_memory():
    """Returns the largest memory that this process has held, in MiB (on Linux)."""
    # What getrusage says includes the parent's.
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def machine():
    """Returns what ran: cores and versions."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
