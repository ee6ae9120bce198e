"""Latency of a routed file beside the same work without gates, in LiteRT on the CPU.

`python -m benchmarks.routed_latency --run_dir=pretrained/drnet_xs_cifar10`
`python -m benchmarks.routed_latency --flagfile=configs/drnet_s.flags`

With one thread. For each test image of a run, in turn:

 - routed: each branch gated by the image's route;
 - all_branches: all of them, without gates;
 - forced: gated, that same route an input, so that no router runs;
 - fixed: the branches of that same route, without gates and routers.

So routed - forced is what the routers take, and forced - fixed what the gates take: the
decisions, and what the runtime does not share or fuse across a gate. With
`--latency_table` routed has no gates where the table tells that they are of no use, as
the file of `export.tflite` with that flag. A network that is
not trained is measured on random routes: routed is then the graph whose route is an
input, and all_branches the fixed graph of all branches, at equal weights or, if a
network's weights are 0 or 1, at 1. None of its
forms runs routers, so that all do the same work besides.
"""

import importlib.metadata
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import flags
from tqdm import tqdm

from benchmarks import latency_report, timing
from export import gates
from export import routes as export_routes
from export import source as sources
from export.interpreter import Interpreter
from tfdyn import commands
from tfdyn.files import write_json

FLAGS = flags.FLAGS
# The variant of `export.graph` that each form is, for images on their own routes and
# on routes that are given.
OWN = {"routed": "routed", "all_branches": "all_branches", "forced": "forced"}
GIVEN = {"routed": "forced", "all_branches": "fixed"}
# What litert-benchmark runs on, by whether images take their own routes.
LITERT_INPUTS = {
    True: "a random image of its own, whose route may be any",
    False: "a random image and route of its own: all branches run",
}
WARM_UPS = 3
BAR = {"leave": False, "disable": None}


def measure(
    source,
    images,
    threshold,
    routes=None,
    fixed_routes=20,
    rounds=5,
    loop=30,
    ungated=(),
):
    """Times the forms of a network on images.

    Args:
        source: `export.source.Source`.
        images: uint8 images `(n, height, width, channels)`.
        threshold: T of the routed form.
        routes: Weights `(n, branches of all MixedOps)` to force, or `None`: the
            images' own.
        fixed_routes: How many routes, the most frequent, have a fixed form.
        rounds: How often each form is timed on each image.
        loop: How often it runs each time.
        ungated: Names of the branches without a gate in the routed form, if `routes`
            is `None`.

    Returns:
        A dict, ready for JSON: the settings, what `latency_report.summary` returns,
        and under `images` one dict an image: `route` (its index in `routes`),
        `gates_taken`, and by form `macs` and `ms` (of one run, the median of the
        rounds); "fixed" is left out where its route has none.
    """
    from export import graph

    own, sizes = routes is None, [len(op.branches) for op in source.model.mixed_ops]
    variants = OWN if own else GIVEN
    equal = np.concatenate([np.full(size, 1 / size) for size in sizes])
    equal = np.ones_like(equal) if source.model.binary else equal
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: pathlib.Path(folder, f"{name}.tflite") for name in variants}
        left_out = {"routed": tuple(ungated)}
        runtimes = {
            name: load(
                source,
                paths[name],
                graph.Form(variant, threshold, ungated=left_out.get(name, ())),
                equal,
            )
            for name, variant in tqdm(variants.items(), "converting", **BAR)
        }
        if own:
            routes = np.stack([runtimes["routed"](image=x)["route"][0] for x in images])
        distinct, indices = export_routes.distinct(routes)
        fixed = [
            load(
                source, pathlib.Path(folder, f"{i}.tflite"), graph.Form("fixed"), route
            )
            for i, route in enumerate(tqdm(distinct[:fixed_routes], "fixed", **BAR))
        ]
        forms = [
            {**runtimes, "fixed": fixed[i]} if i < len(fixed) else runtimes
            for i in indices
        ]
        milliseconds = alternate(forms, images, routes, rounds, loop)
        litert = {
            name: litert_benchmark(paths[name]) for name in ("routed", "all_branches")
        }
    macs = latency_report.route_macs(source.model, routes, routers=own)
    rows = [
        {
            "route": indices[i],
            "gates_taken": int(np.count_nonzero(routes[i])),
            "macs": {name: int(macs[name][i]) for name in ms},
            "ms": ms,
        }
        for i, ms in enumerate(milliseconds)
    ]
    litert_version = importlib.metadata.version("ai-edge-litert")
    return {
        "source": source.name,
        "threshold": threshold if own else None,
        "threads": 1,
        "rounds": rounds,
        "loop": loop,
        "variants": {**variants, "fixed": "fixed"},
        "gates": sum(sizes),
        "ungated": list(ungated),
        **latency_report.summary(rows, sum(sizes)),
        "litert_benchmark": {"inputs": LITERT_INPUTS[own], **litert},
        "machine": {**timing.machine(), "ai-edge-litert": litert_version},
        "fixed_routes": len(fixed),
        "routes": [export_routes.as_text(route, source.model) for route in distinct],
        "images": rows,
    }


def load(source, path, form, route=None):
    """Converts a form of a network to the file `path`; returns its `Interpreter`."""
    from export import graph, tflite

    function = graph.gated(source.model, source.input_format, form, route)
    path.write_bytes(tflite.convert(function))
    with commands.quiet():  # It tells of its delegate.
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


def litert_benchmark(
    path, runs=50, module="ai_edge_litert.tools.benchmark_litert_model"
):
    """Returns what the runtime's own benchmark, `litert-benchmark`, says of a file.

    Its inputs are its own (`LITERT_INPUTS`), and so is its way into the runtime.

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


def main():
    """Runs the command on the flags."""
    source, routes = sources.from_command(), None
    folder = pathlib.Path(FLAGS.output or source.folder / "latency")
    sources.writable(folder)
    if not source.run:
        numbers = FLAGS.routes, FLAGS.branches_per_connection, source.settings.seed
        routes = export_routes.random_routes(source.model, *numbers)
    count = FLAGS.images if source.run else FLAGS.routes
    form, chosen = sources.form_from_flags(source), {}
    if FLAGS.latency_table:
        form, chosen = gates.leave_out(source, form, FLAGS.latency_table)
        if not FLAGS.json:
            print(gates.line(chosen, source.model))
    content = measure(
        source,
        source.test_images(count)[0],
        form.threshold,
        routes,
        FLAGS.fixed_routes,
        FLAGS.rounds,
        FLAGS.loop,
        form.ungated,
    )
    write_json(folder / "latency.json", content)
    latency_report.plot(folder / "latency.png", content)
    if FLAGS.json:
        commands.print_json(content)
    else:
        print(latency_report.table(content))
        print(f"\nwrote {folder}/latency.json and latency.png")


if __name__ == "__main__":
    sources.define()
    for name in ("run_dir", "threshold"):  # So that --help lists them.
        flags.declare_key_flag(name)
    for name, default, text in (
        ("images", 200, "Test images of a run, at most."),
        ("routes", 20, "Random routes, for a network that is not trained."),
        ("fixed_routes", 20, "Fixed graphs, at most: of the most frequent routes."),
        ("rounds", 5, "How often each form is timed on each image."),
        ("loop", 30, "How often it runs each time."),
    ):
        flags.DEFINE_integer(name, default, text, lower_bound=1)
    flags.DEFINE_float("branches_per_connection", 1.2, "Mean number in random routes.")
    flags.DEFINE_string("latency_table", None, "Leaves out gates of no use by it.")
    flags.DEFINE_string("output", None, "Folder to write to (default: latency/ there).")
    commands.define_json()
    commands.run(main)
