"""LiteRT on the CPU: networks as files, timed in turn, and its own benchmark."""

import json
import statistics
import subprocess
import sys
import time

from tqdm import tqdm

from export.interpreter import Interpreter
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
    from export import tflite
    from export.graph import trace

    function = trace.gated(source.model, source.input_format, form, route)
    path.write_bytes(tflite.convert(function))
    with output.quiet():  # It tells of its delegate.
        return Interpreter(path, num_threads=1)


def alternate(forms, images, routes, rounds, loop):
    """Times the forms of each image in turn, every second round in reverse order.

    Args:
        forms: For each image a mapping from names to `Interpreter`s.
        images: uint8 images `(n, height, width, channels)`.
        routes: `(n, branches of all MixedOps)`, for those that have it as input.
        rounds: How often each is timed.
        loop: How often it runs each time, after runs that are not timed.

    Returns:
        For each image a mapping from names to milliseconds, the median of the rounds.
    """
    milliseconds = [{name: [] for name in own} for own in forms]
    turns = [(r, i) for r in range(rounds) for i in range(len(forms))]
    for r, i in tqdm(turns, "measuring", **BAR):
        given = {"image": images[i], "route": routes[i]}
        for name in reversed(forms[i]) if r % 2 else forms[i]:
            runtime = forms[i][name]
            runtime.set(**{key: given[key] for key in runtime.inputs})
            for _ in range(WARM_UPS):
                runtime.invoke()
            start = time.perf_counter()
            for _ in range(loop):
                runtime.invoke()
            seconds = (time.perf_counter() - start) / loop
            milliseconds[i][name].append(1e3 * seconds)
    return [
        {name: statistics.median(values) for name, values in own.items()}
        for own in milliseconds
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
