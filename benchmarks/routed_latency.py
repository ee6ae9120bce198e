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
import pathlib
import tempfile

import numpy as np
from absl import flags
from tqdm import tqdm

from benchmarks import latency_report, litert, timing
from export import flags as export_flags
from export import gates
from export.graph.form import Form
from tfdyn import commands
from tfdyn.files import write_json
from tfdyn.routing.random_routes import random_routes
from tfdyn.routing.route import distinct

FLAGS = flags.FLAGS
# Form: variant of the graph, for images on their own routes and for forced routes.
OWN = {"routed": "routed", "all_branches": "all_branches", "forced": "forced"}
GIVEN = {"routed": "forced", "all_branches": "fixed"}


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
    spec, own = source.model.route_spec, routes is None
    variants = OWN if own else GIVEN
    sizes = np.repeat(spec.sizes, spec.sizes)
    equal = np.ones(spec.size) if spec.binary else 1 / sizes
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: pathlib.Path(folder, f"{name}.tflite") for name in variants}
        left_out = {"routed": tuple(ungated)}
        runtimes = {
            name: litert.load(
                source,
                paths[name],
                Form(variant, threshold, ungated=left_out.get(name, ())),
                equal,
            )
            for name, variant in tqdm(variants.items(), "converting", **litert.BAR)
        }
        if own:
            routes = np.stack([runtimes["routed"](image=x)["route"][0] for x in images])
        different, indices = distinct(routes)
        fixed = [
            litert.load(
                source, pathlib.Path(folder, f"{i}.tflite"), Form("fixed"), route
            )
            for i, route in enumerate(
                tqdm(different[:fixed_routes], "fixed", **litert.BAR)
            )
        ]
        timed = [
            {**runtimes, "fixed": fixed[i]} if i < len(fixed) else runtimes
            for i in indices
        ]
        milliseconds = litert.alternate(timed, images, routes, rounds, loop)
        own_benchmark = {
            name: litert.benchmark(paths[name]) for name in ("routed", "all_branches")
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
        "gates": spec.size,
        "ungated": list(ungated),
        **latency_report.summary(rows, spec.size),
        "litert_benchmark": {"inputs": litert.BENCHMARK_INPUTS[own], **own_benchmark},
        "machine": {**timing.machine(), "ai-edge-litert": litert_version},
        "fixed_routes": len(fixed),
        "routes": [spec.to_text(route) for route in different],
        "images": rows,
    }


def main() -> None:
    """Runs the command on the flags."""
    source, routes = export_flags.source_from_flags(), None
    path = export_flags.output_from_flags(source.home / "latency.json")
    count = FLAGS.images if source.run else FLAGS.routes
    if not source.run:
        mean, seed = FLAGS.branches_per_connection, source.settings.seed
        routes = random_routes(source.model.route_spec, count, mean, seed)
    form = Form(threshold=export_flags.threshold_from_flags(source))
    if FLAGS.latency_table:
        form, removed = gates.leave_out(source, form, FLAGS.latency_table)
        commands.say(gates.line(removed, source.model))
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
    write_json(path, content)
    latency_report.plot(path.with_suffix(".png"), content)
    text = f"{latency_report.table(content)}\n\nwrote {path} and .png"
    commands.report(content, text)


if __name__ == "__main__":
    export_flags.define_source()
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
    export_flags.define_latency_table()
    export_flags.define_output("latency.json in the run's folder")
    commands.define_json()
    commands.run(main)
