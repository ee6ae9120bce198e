"""Latency of a network by how many branches run, beside another network.

`python -m benchmarks.forced_routes --flagfile=configs/dmnn_50_n2.flags
--against=configs/resnet_50.flags --branches_per_connection=0.8,1.2,1.6,2`

Random weights do, and random routes are forced upon the gated graph. In LiteRT on the
CPU, one thread, in turn: that graph on a route; the network with all branches, without
gates, routers included; the same with gates and routers at T=1; and the other network,
with all that it has.
"""

import pathlib
import statistics
import tempfile

import numpy as np
from absl import flags

from benchmarks import routed_latency, timing
from export import routes as export_routes
from export import source as sources
from tfdyn import commands
from tfdyn.costs.units import readable

FLAGS = flags.FLAGS


def measure(source, other, numbers, routes=5, rounds=5, loop=5):
    """Times a network on random routes, and another beside it.

    Args:
        source: `export.source.Source`.
        other: Another, of the same shape of images.
        numbers: Mean numbers of branches a connection, as `export.routes` has them.
        routes: Random routes of each.
        rounds: How often each graph is timed on each route.
        loop: How often it runs each time.

    Returns:
        A dict ready for JSON: the settings; `ms` (medians) and `macs` of
        `all_branches`, `gated` (at T=1) and `against`; and for each number under `rows`
        the means of its routes' `share` of the branches, `macs`, `ms`, `macs_saved` and
        `time_saved` of all branches', and `to_against`, the ratio of times.
    """
    from export import graph

    drawn = [
        route
        for index, number in enumerate(numbers)
        for route in export_routes.random_routes(source.model, routes, number, index)
    ]
    graphs = {
        "forced": (source, graph.Form("forced")),
        "gated": (source, graph.Form("routed", 1.0)),
        "all_branches": (source, graph.Form("all_branches")),
        "against": (other, graph.Form("all_branches")),
    }
    images = np.resize(
        source.test_images(1)[0], (len(drawn), *source.input_format.shape)
    )
    with tempfile.TemporaryDirectory() as folder:
        forms = {
            name: routed_latency.load(of, pathlib.Path(folder, f"{name}.tflite"), form)
            for name, (of, form) in graphs.items()
        }
        timed = routed_latency.alternate(
            [forms] * len(drawn), images, drawn, rounds, loop
        )
    rest, branches = graph.macs(source.model, routers=False)
    macs = {"all_branches": _every(source.model), "against": _every(other.model)}
    macs["gated"] = macs["all_branches"]
    rows = []
    for index, number in enumerate(numbers):
        own = slice(index * routes, (index + 1) * routes)
        runs, times = np.asarray(drawn[own]) != 0, timed[own]
        cost = float(np.mean(rest + runs @ branches))
        row = {
            "branches_per_connection": number,
            "share": float(np.mean(runs)),
            "macs": cost,
            "macs_saved": 1 - cost / macs["all_branches"],
            "ms": statistics.mean(t["forced"] for t in times),
            "time_saved": 1 - _ratio(times, "all_branches"),
            "to_against": _ratio(times, "against"),
        }
        rows.append(row)
    return {
        "source": source.name,
        "against": other.name,
        "threads": 1,
        "routes": routes,
        "rounds": rounds,
        "loop": loop,
        "macs": macs,
        "ms": {name: statistics.median(t[name] for t in timed) for name in macs},
        "rows": rows,
        "machine": timing.machine(),
    }


def _every(model):
    from export import graph

    fixed, branches = graph.macs(model)
    return int(fixed + branches.sum())


def _ratio(times, to):
    """Returns the mean over routes of the time of one to that of another graph."""
    return statistics.mean(t["forced"] / t[to] for t in times)


def text(content):
    """Returns what `measure` returned as a table for people."""
    lines = [
        f"{content['source']}, beside {content['against']}: {content['routes']} random "
        f"routes a row, {content['threads']} thread",
        "",
        f"{'branches a connection':22}{'MACs':>10}{'saved':>8}{'ms':>9}{'saved':>8}"
        f"{'of the other':>14}",
    ]
    for row in content["rows"]:
        name = f"{row['branches_per_connection']:g} ({row['share']:.0%} of all)"
        lines.append(
            f"{name:22}{readable(row['macs']):>10}{row['macs_saved']:>8.1%}"
            f"{row['ms']:>9.4g}{row['time_saved']:>8.1%}{row['to_against']:>14.3f}"
        )
    ms, macs = content["ms"], content["macs"]
    for name, title in (
        ("gated", "all, gates and routers"),
        ("all_branches", "all, no gates"),
        ("against", content["against"].removesuffix(", untrained")),
    ):
        ratio = ms[name] / ms["against"]
        cost = readable(macs[name])
        lines.append(f"{title:22}{cost:>10}{'':8}{ms[name]:>9.4g}{'':8}{ratio:>14.3f}")
    return "\n".join(lines)


def main():
    """Runs the command on the flags."""
    from tfdyn.settings.fields import from_flagfile
    from tfdyn.settings.settings import Settings

    path = pathlib.Path(FLAGS.against)
    other = sources.untrained(from_flagfile(Settings, path), path.stem)
    content = measure(
        sources.from_command(),
        other,
        [float(number) for number in FLAGS.branches_per_connection],
        FLAGS.routes,
        FLAGS.rounds,
        FLAGS.loop,
    )
    commands.print_json(content) if FLAGS.json else print(text(content))


if __name__ == "__main__":
    sources.define()
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
    commands.define_json()
    commands.run(main)
