"""Measures what routing saves and what gates and routers cost, in LiteRT on the CPU.

`python -m benchmarks.routed_latency --run_dir=pretrained/drnet_xs_cifar10`
`python -m benchmarks.routed_latency --untrained --flagfile=configs/drnet_s.flags`

For each test image of a run, four forms of the network are timed in turn, with one
thread:

 - routed: each branch stands behind a gate, and runs if the image's route runs it;
 - all_branches: all branches run, without gates;
 - forced: as routed, but the same route is an input, so no router runs;
 - fixed: the branches of the same route run, without gates and routers.

The time of the routers is that of routed less that of forced. The time of the gates is
that of forced less that of fixed: gates decide, and the runtime shares and fuses
nothing across a gate. With `--latency_table`, the form routed has no gates that cost
more time than they save, as in the file of `export.tflite --latency_table`. Branches
without a gate run for every image, which its MACs include; the time of the routers is
then not determined.

A network that is not trained is measured on random routes, and none of its forms runs
routers. Its form routed is the graph whose route is an input, and all_branches is the
fixed graph of all branches. In all_branches, the weights of a MixedOp are equal and sum
to 1; in a network whose weights are 0 or 1, they are 1.
"""

import importlib.metadata
import pathlib
import tempfile
from collections.abc import Iterable

import numpy as np
from absl import flags
from tqdm import tqdm

from benchmarks import latency_report, litert, timing
from export import flags as export_flags
from export import gates
from export.graph.form import Form
from export.source import Source
from tfdyn import commands
from tfdyn.files import write_json
from tfdyn.routing.random_routes import random_routes
from tfdyn.routing.route import distinct

FLAGS = flags.FLAGS
# Variant of each form's graph, if the routers choose the routes and if they do not run.
ROUTER_VARIANTS = {name: name for name in ("routed", "all_branches", "forced")}
FORCED_VARIANTS = {"routed": "forced", "all_branches": "fixed"}


def measure(
    source: Source,
    images: np.ndarray,
    threshold: float | list[float],
    routes: np.ndarray | None = None,
    fixed_routes: int = 20,
    rounds: int = 5,
    loop: int = 30,
    ungated: Iterable[str] = (),
) -> dict:
    """Times the forms of a network on images.

    Args:
        source: `Source` of the network.
        images: uint8 images `(n, height, width, channels)`.
        threshold: T of the routed form, one number or one for each MixedOp.
        routes: Flat routes `(n, branches of all MixedOps)` to force on the images, or
            `None`: the routers choose.
        fixed_routes: Number of routes, the most frequent ones, that get a fixed form.
        rounds: Number of times that each form is timed on each image.
        loop: Number of runs that are timed together each time.
        ungated: Names of the branches that have no gate in the routed form. Must be
            empty if `routes` are passed.

    Returns:
        A dict ready for JSON: the settings; what `latency_report.summary` returns;
        `routes`, the different routes as text; and under `images` one dict for each
        image. It has `route`, an index in `routes`; `branches`, the number of branches
        on it; `gates_taken`, the number of taken gates in the routed form; and `macs`
        and `ms`, which map each form to its MACs and to the milliseconds of one run,
        the median over the rounds. The form "fixed" is left out for an image whose
        route has none.
    """
    ungated = tuple(ungated)
    spec, by_router = source.model.route_spec, routes is None
    variants = ROUTER_VARIANTS if by_router else FORCED_VARIANTS
    sizes = np.repeat(spec.sizes, spec.sizes)
    equal = np.ones(spec.size) if spec.binary else 1 / sizes
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: pathlib.Path(folder, f"{name}.tflite") for name in variants}
        left_out = {"routed": ungated}
        runtimes = {
            name: litert.load(
                source,
                paths[name],
                Form(variant, threshold, ungated=left_out.get(name, ())),
                equal,
            )
            for name, variant in tqdm(variants.items(), "converting", **litert.BAR)
        }
        if by_router:
            routes = np.stack(
                [runtimes["routed"](image=image)["route"][0] for image in images]
            )
        distinct_routes, indices = distinct(routes)
        fixed = [
            litert.load(
                source, pathlib.Path(folder, f"{i}.tflite"), Form("fixed"), route
            )
            for i, route in enumerate(
                tqdm(distinct_routes[:fixed_routes], "fixed", **litert.BAR)
            )
        ]
        forms = [
            {**runtimes, "fixed": fixed[i]} if i < len(fixed) else runtimes
            for i in indices
        ]
        milliseconds = litert.alternate(forms, images, routes, rounds, loop)
        litert_results = {
            name: litert.benchmark(paths[name]) for name in ("routed", "all_branches")
        }
    macs = latency_report.route_macs(source.model, routes, by_router, ungated)
    names = [module.name for module in source.model.modules if module.kind == "branch"]
    gated = ~np.isin(names, ungated)
    rows = [
        {
            "route": indices[i],
            "branches": int(np.count_nonzero(routes[i])),
            "gates_taken": int(np.count_nonzero(routes[i][gated])),
            "macs": {name: int(macs[name][i]) for name in ms},
            "ms": ms,
        }
        for i, ms in enumerate(milliseconds)
    ]
    litert_version = importlib.metadata.version("ai-edge-litert")
    return {
        "source": source.name,
        "threshold": threshold if by_router else None,
        "threads": 1,
        "rounds": rounds,
        "loop": loop,
        "variants": {**variants, "fixed": "fixed"},
        "gates": spec.size - len(ungated),
        "ungated": list(ungated),
        **latency_report.summary(rows, spec.size, bool(ungated)),
        "litert_benchmark": {
            "inputs": litert.BENCHMARK_INPUTS[by_router],
            **litert_results,
        },
        "machine": {**timing.machine(), "ai-edge-litert": litert_version},
        "fixed_routes": len(fixed),
        "routes": [spec.to_text(route) for route in distinct_routes],
        "images": rows,
    }


def main() -> None:
    """Runs the command on the flags."""
    source, routes = export_flags.source_from_flags(("threshold",)), None
    choices = {}
    path = export_flags.output_from_flags(
        source.home / "latency.json", ("source", "variants")
    )
    count = FLAGS.images if source.run else FLAGS.routes
    if not source.run:
        mean, seed = FLAGS.branches_per_connection, source.settings.seed
        routes = random_routes(source.model.route_spec, count, mean, seed)
    form = Form(threshold=export_flags.threshold_from_flags(source))
    if FLAGS.latency_table:
        form, choices = gates.leave_out(source, form, FLAGS.latency_table)
        commands.say(gates.line(choices, source.model))
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
    content = {**choices, **content}
    write_json(path, content)
    latency_report.plot(path.with_suffix(".png"), content)
    text = f"{latency_report.table(content)}\n\nwrote {path} and .png"
    commands.report(content, text)


if __name__ == "__main__":
    export_flags.define_source()
    flags.declare_key_flag("threshold")
    for name, default, help in (
        ("images", 200, "Largest number of test images of a run."),
        ("routes", 20, "Number of random routes, with --untrained."),
        ("fixed_routes", 20, "Number of routes, the most frequent, with a fixed form."),
        ("rounds", 5, "Number of times that each form is timed on each image."),
        ("loop", 30, "Number of runs that are timed together each time."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=1)
    flags.DEFINE_float(
        "branches_per_connection",
        1.2,
        "Mean number of branches that random routes run in a connection, with "
        "--untrained.",
    )
    export_flags.define_latency_table()
    export_flags.define_output("latency.json in the run's folder")
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)
