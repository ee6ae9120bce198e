"""LiteRT on the CPU: networks as files, timed in turn, and its own benchmark."""

import json
import statistics
import subprocess
import sys
import time

from export.graph import trace
from export.graph.convert import convert
from export.interpreter import Interpreter
from export.latency import rounds as export_rounds
from tfdyn import output

WARM_UPS = 3
BAR = {"leave": False, "disable": None}
# What litert-benchmark runs on, by whether images take their own routes.
BENCHMARK_INPUTS = {
    True: "a random image of its own, whose route may be any",
    False: "a random image and route of its own: all branches run",
}


def load(source, path, form, route=None):
    """Converts a form of a network to the file `path`; returns its `Interpreter`."""
    function = trace.gated(source.model, source.input_format, form, route)
    path.write_bytes(convert(function))
    with output.quiet():  # It tells of its delegate.
        return Interpreter(path, num_threads=1)


def alternate(forms, images, routes, rounds: int, loop: int) -> list[dict]:
    """Times the forms of each image in turn (`export.latency.rounds.alternate`).

    Args:
        forms: For each image a mapping from names to `Interpreter`s.
        images: uint8 images `(n, height, width, channels)`.
        routes: Flat routes `(n, branches of all MixedOps)`, for forms whose route is
            an input.
        rounds: Number of times that each form is timed on each image.
        loop: Number of runs each time, after runs that are not timed.

    Returns:
        For each image a mapping from names to milliseconds of one run, the median of
        the rounds.
    """

    def measure(key):
        index, name = key
        runtime, values = forms[index][name], {"image": images[index]}
        values["route"] = routes[index]
        runtime.set(**{input_name: values[input_name] for input_name in runtime.inputs})
        for _ in range(WARM_UPS):
            runtime.invoke()
        start = time.perf_counter()
        for _ in range(loop):
            runtime.invoke()
        return 1e3 * (time.perf_counter() - start) / loop

    # The forms of one image stay next to each other.
    keys = [(index, name) for index, names in enumerate(forms) for name in names]
    times = export_rounds.alternate(measure, keys, (rounds, rounds), title="measuring")
    return [
        {name: statistics.median(times[index, name]) for name in names}
        for index, names in enumerate(forms)
    ]


def benchmark(path, runs=50, module="ai_edge_litert.tools.benchmark_litert_model"):
    """Returns what the runtime's own benchmark, `litert-benchmark`, says of a file.

    Its inputs are its own (`BENCHMARK_INPUTS`), and so is its way into the runtime.

    Returns:
        What it calls latency, mostly in ms; or, if it fails or is not there, a dict of
        `error`.
    """
    result = path.with_suffix(".json")
    command = [sys.executable, "-m", module, f"--model={path}", "--num_threads=1"]
    command += [f"--num_runs={runs}", "--warmup_runs=5", f"--result_json={result}"]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        last = process.stderr.strip().rpartition("\n")[-1]
        return {"error": last or f"exit status {process.returncode}"}
    return json.loads(result.read_text(encoding="utf-8"))["latency"]
