"""Timing: functions side by side in turn, and processes from their start."""

import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

from tqdm import tqdm


def alternate(functions, rounds):
    """Times functions in turn, so that what else the machine does meets them alike.

    Args:
        functions: Mapping from names to functions of nothing; each is called once
            before, to warm up.
        rounds: How often each is timed; every second round in reverse order.

    Returns:
        Mapping from the names to lists of seconds, in the order of the rounds.
    """
    for function in functions.values():
        function()
    seconds = {name: [] for name in functions}
    names = list(functions)
    for index in tqdm(range(rounds), unit=" rounds", leave=False, disable=None):
        for name in names if index % 2 else reversed(names):
            start = time.perf_counter()
            functions[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


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
    import keras
    import tensorflow as tf

    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
