"""LiteRT: converts networks, times them in turn on the CPU, and runs its benchmark."""

import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

from export.graph import trace
from export.graph.convert import convert
from export.graph.form import Form
from export.interpreter import Interpreter
from export.latency import rounds as export_rounds
from export.source import Source
from tfdyn import output

WARM_UPS = 3
# Arguments of a tqdm bar that shows on terminals only, and vanishes at the end.
BAR = {"leave": False, "disable": None}
# What litert-benchmark runs on, if the routers choose the route (True) or if the route
# is an input (False).
BENCHMARK_INPUTS = {
    True: "a random image that it draws, whose route may be any",
    False: "a random image and a random route that it draws: all branches run",
}


def load(
    source: Source, path: pathlib.Path, form: Form, route: np.ndarray | None = None
) -> Interpreter:
    """Converts a network to a `.tflite` file and loads it.

    Args:
        source: `Source` of the network.
        path: File to write.
        form: `Form` of the graph.
        route: For the fixed variant, a flat route `(branches of all MixedOps,)`.

    Returns:
        The file's `Interpreter`, with one thread.
    """
    function = trace.gated(source.model, source.input_format, form, route)
    path.write_bytes(convert(function))
    with output.quiet():  # LiteRT prints the name of its delegate.
        return Interpreter(path, num_threads=1)


def alternate(
    forms: list[dict[str, Interpreter]], images, routes, rounds: int, loop: int
) -> list[dict[str, float]]:
    """Times the forms of each image in turn (`export.latency.rounds.alternate`).

    Args:
        forms: For each image, a mapping from names to `Interpreter`s.
        images: uint8 images `(n, height, width, channels)`.
        routes: Flat routes `(n, branches of all MixedOps)` for forms whose route is an
            input; `None` for an image whose forms have no such input.
        rounds: Number of times that each form is timed on each image.
        loop: Number of runs that are timed together each time, after `WARM_UPS` runs
            that are not timed.

    Returns:
        For each image, a mapping from names to milliseconds of one run, the median
        over the rounds.
    """

    def measure(key):
        index, name = key
        runtime = forms[index][name]
        values = {"image": images[index], "route": routes[index]}
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


def benchmark(
    path: pathlib.Path,
    runs: int = 50,
    module: str = "ai_edge_litert.tools.benchmark_litert_model",
) -> dict:
    """Times a file with LiteRT's benchmark, `litert-benchmark`.

    It draws random inputs (`BENCHMARK_INPUTS`), and calls the runtime in another way
    than `alternate` does.

    Args:
        path: `.tflite` file. The result is written beside it, as `.json`.
        runs: Number of timed runs.
        module: Python module of the benchmark.

    Returns:
        The object `latency` of its result, with times in milliseconds such as `avg_ms`
        and `median_ms`. If the benchmark fails or is not installed, a dict with the
        text `error`.
    """
    result = path.with_suffix(".json")
    command = [sys.executable, "-m", module, f"--model={path}", "--num_threads=1"]
    command += [f"--num_runs={runs}", "--warmup_runs=5", f"--result_json={result}"]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        last_line = process.stderr.strip().rpartition("\n")[-1]
        return {"error": last_line or f"exit status {process.returncode}"}
    return json.loads(result.read_text(encoding="utf-8"))["latency"]
