"""Latency of a network by how many branches run, beside another network.

`python -m benchmarks.forced_routes --flagfile=configs/dmnn_50_n2.flags
--against=configs/resnet_50.flags --branches_per_connection=0.8,1.2,1.6,2`

Random weights do, and random routes are forced upon the gated graph. In LiteRT on the
CPU, one thread, in turn: that graph on a route; the network with all branches, without
gates, routers included; the same with gates and routers at T=1; and the other network,
with all that it has. A forced route bypasses the routers: what they take is measured at
the lowest T, with them and without, and added to each route.
"""

import pathlib
import statistics
import tempfile

import numpy as np
from absl import flags

from benchmarks import litert, timing
from export import flags as export_flags
from export import source as sources
from export.graph import trace
from export.graph.form import Form
from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.routing.random_routes import random_routes
from tfdyn.settings.fields import from_flagfile
from tfdyn.text import align, readable

FLAGS = flags.FLAGS
# T at which a network runs the least that it can.
LOWEST = 1e-6


def measure(source, other, numbers, routes=5, rounds=5, loop=5, each_branch=False):
    """Times a network on random routes, and another beside it.

    Args:
        source: `export.source.Source`.
        other: Another, of the same shape of images.
        numbers: Mean numbers of branches a connection, as `export.routes` has them.
        routes: Random routes of each.
        rounds: How often each graph is timed on each route.
        loop: How often it runs each time.
        each_branch: Whether to time the routes too that run one branch, always the
            same, of each MixedOp.

    Returns:
        A dict ready for JSON: the settings; `ms` (medians) and `macs` of
        `all_branches`, `gated` (at T=1) and `against`; `routers_ms`; and under `rows`,
        for the lowest T, the cheapest route, each number and each branch, its `name`
        and the means of its routes' `share` of the branches, `macs`, `ms`, `macs_saved`
        and `time_saved` of all branches', and `to_against`, the ratio of times.
    """
    image = source.test_images(1)[0]
    rows = {"at the lowest T": _at_lowest(source, image)}
    rows["the cheapest"] = _cheapest(source.model)
    for index, number in enumerate(numbers):
        drawn = random_routes(source.model.route_spec, routes, number, index)
        rows[f"{number:g} a connection"] = drawn
    if each_branch:
        rows |= _one_branch(source.model)
    drawn = np.concatenate(list(rows.values()))
    graphs = {
        "forced": (source, Form("forced")),
        "gated": (source, Form("routed", 1.0)),
        "all_branches": (source, Form("all_branches")),
        "against": (other, Form("all_branches")),
        "routed": (source, Form("routed", LOWEST)),
    }
    with tempfile.TemporaryDirectory() as folder:
        forms = {
            name: litert.load(of, pathlib.Path(folder, f"{name}.tflite"), form)
            for name, (of, form) in graphs.items()
        }
        others = {name: form for name, form in forms.items() if name != "routed"}
        images = np.resize(image, (len(drawn), *source.input_format.shape))
        timed = litert.alternate(
            [forms] + [others] * (len(drawn) - 1), images, drawn, rounds, loop
        )
    # The first route is the one that the routed graph takes.
    routers_ms = max(0.0, timed[0]["routed"] - timed[0]["forced"])
    rest, branches = trace.macs(source.model)
    macs = {"all_branches": _every(source.model), "against": _every(other.model)}
    macs["gated"] = macs["all_branches"]
    table, first = [], 0
    for name, own in rows.items():
        last = first + len(own)
        times = [{**t, "row": t["forced"] + routers_ms} for t in timed[first:last]]
        cost = float(np.mean(rest + (own != 0) @ branches))
        row = {
            "name": name,
            "share": float(np.mean(own != 0)),
            "macs": cost,
            "macs_saved": 1 - cost / macs["all_branches"],
            "ms": statistics.mean(t["row"] for t in times),
            "time_saved": 1 - _ratio(times, "all_branches"),
            "to_against": _ratio(times, "against"),
        }
        table.append(row)
        first = last
    return {
        "source": source.name,
        "against": other.name,
        "threads": 1,
        "routes": routes,
        "rounds": rounds,
        "loop": loop,
        "macs": macs,
        "ms": {name: statistics.median(t[name] for t in timed) for name in macs},
        "routers_ms": routers_ms,
        "rows": table,
        "machine": timing.machine(),
    }


def _at_lowest(source, image):
    """Returns the route of an image at the lowest T, `(1, branches)`."""
    pixels = np.asarray(source.input_format.normalize(image))
    route = source.model(pixels, threshold=LOWEST, training=False)["route"]
    return np.asarray(source.model.route_spec.flatten(route))


def _cheapest(model):
    """Returns the route of the fewest MACs, `(1, branches)`."""
    parts = []
    spec = model.route_spec
    for name, least in zip(spec.branches, spec.least_branches, strict=True):
        costs = model.route_cost.branches[name]
        parts.append(np.zeros(len(costs), "float32"))
        parts[-1][np.argsort(costs)[:least]] = 1.0
    return np.concatenate(parts)[np.newaxis]


def _one_branch(model):
    """Returns the route of each branch, if all MixedOps have the same number."""
    sizes = set(model.route_spec.sizes)
    if len(sizes) > 1:
        raise UserError(
            f"The MixedOps of this network have {sizes} branches: there is no route of "
            f"one branch, always the same. Leave out --each_branch."
        )
    (size,), count = sizes, len(model.route_spec.branches)
    routes = np.tile(np.eye(size, dtype="float32"), (1, count))
    names = [f"only {name}" for name in next(iter(model.route_spec.branches.values()))]
    return {name: route[np.newaxis] for name, route in zip(names, routes, strict=True)}


def _every(model):

    fixed, branches = trace.macs(model)
    return int(fixed + branches.sum())


def _ratio(times, to):
    """Returns the mean over routes of the time of one to that of another graph."""
    return statistics.mean(t["row"] / t[to] for t in times)


def text(content: dict) -> str:
    """Returns what `measure` returned as text."""
    rows = [["branches", "MACs", "saved", "ms", "saved", "of the other"]]
    for row in content["rows"]:
        rows.append(
            [
                f"{row['name']} ({row['share']:.0%} of all)",
                readable(row["macs"]),
                f"{row['macs_saved']:.1%}",
                f"{row['ms']:.4g}",
                f"{row['time_saved']:.1%}",
                f"{row['to_against']:.3f}",
            ]
        )
    ms, macs = content["ms"], content["macs"]
    for name, title in (
        ("gated", "all, gates and routers"),
        ("all_branches", "all, no gates"),
        ("against", content["against"].removesuffix(", untrained")),
    ):
        ratio = f"{ms[name] / ms['against']:.3f}"
        rows.append([title, readable(macs[name]), "", f"{ms[name]:.4g}", "", ratio])
    return (
        f"{content['source']}, beside {content['against']}: {content['routes']} random "
        f"routes a row, {content['threads']} thread\n\n{align(rows)}\n\n"
        f"routers: {content['routers_ms']:.4g} ms, in each row"
    )


def main():
    """Runs the command on the flags."""
    path = pathlib.Path(FLAGS.against)
    other = sources.untrained(from_flagfile(Settings, path), path.stem)
    content = measure(
        export_flags.source_from_flags(),
        other,
        [float(number) for number in FLAGS.branches_per_connection],
        FLAGS.routes,
        FLAGS.rounds,
        FLAGS.loop,
        FLAGS.each_branch,
    )
    commands.report(content, text(content))


if __name__ == "__main__":
    export_flags.define_source()
    flags.declare_key_flag("run_dir")
    flags.DEFINE_string("against", None, "Flagfile of the network to compare with.")
    flags.mark_flag_as_required("against")
    flags.DEFINE_list(
        "branches_per_connection", None, "Mean numbers of branches in random routes."
    )
    flags.mark_flag_as_required("branches_per_connection")
    for name, default, help in (
        ("routes", 5, "Random routes of each number."),
        ("rounds", 5, "How often each graph is timed on each route."),
        ("loop", 5, "How often it runs each time."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=1)
    flags.DEFINE_bool(
        "each_branch", False, "Also the routes that run one branch everywhere."
    )
    commands.define_json()
    commands.run(main)
