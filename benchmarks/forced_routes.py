"""Measures latency by the number of branches that run, beside another network.

`python -m benchmarks.forced_routes --untrained --flagfile=configs/dmnn_50_n2.flags
--against=configs/resnet_50.flags --branches_per_connection=0.8,1.2,1.6,2`

Training is not needed: the weights may be random, and so are the routes, which are
inputs of the graph. These graphs are timed in turn, in LiteRT on the CPU, with one
thread:

 - forced: the network with gates, on each route;
 - all_branches: the network with all branches and with routers, without gates;
 - gated: the network with gates and routers, at T=1;
 - against: the other network, with all of its branches.

No router runs when the route is an input. So the time of the routers is measured once,
on the route of the lowest T, and added to the time of each route.
"""

import pathlib
import statistics
import tempfile

import numpy as np
from absl import flags

from benchmarks import litert, route_samples, timing
from export import flags as export_flags
from export import source as sources
from export.graph import trace
from export.graph.form import Form
from export.source import Source
from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.routing.random_routes import random_routes
from tfdyn.settings.flagfiles import from_flagfile
from tfdyn.text import align, readable

FLAGS = flags.FLAGS


def measure(
    source: Source,
    against: Source,
    numbers: list[float],
    routes: int = 5,
    rounds: int = 5,
    loop: int = 5,
    each_branch: bool = False,
) -> dict:
    """Times a network on random routes, beside another network.

    Args:
        source: `Source` of the network.
        against: `Source` of the other network, whose images have the same shape.
        numbers: Mean numbers of branches that run in a connection.
        routes: Number of random routes for each of these numbers.
        rounds: Number of times that each graph is timed on each route.
        loop: Number of runs that are timed together each time.
        each_branch: Whether to time also, for each branch, the route that runs this
            branch alone in every MixedOp.

    Returns:
        A dict ready for JSON: the settings; `ms` (medians) and `macs` of
        `all_branches`, `gated` and `against`; `routers_ms`; and under `rows` one dict
        for the lowest T, the cheapest route, each number and each branch. It has a
        `name`, and means over its routes: `share`, the share of the branches that run;
        `macs`; `ms`; `macs_saved` and `time_saved`, shares of what all branches take;
        and `to_against`, the time divided by that of the other network.

    Raises:
        UserError: If a connection cannot run one of the `numbers` of branches; if
            `each_branch` is set and the MixedOps differ in their number of branches;
            or if the networks read images of different shapes.
    """
    if against.input_format.shape != source.input_format.shape:
        raise UserError(
            f"--against reads images of {against.input_format.shape}, but "
            f"{source.name} reads images of {source.input_format.shape}. Name a "
            f"network for the same images with --against."
        )
    image = source.test_images(1)[0]
    routes_by_name = {"at the lowest T": route_samples.at_lowest(source, image)}
    routes_by_name["the cheapest"] = route_samples.cheapest(source.model)
    for index, number in enumerate(numbers):
        routes_by_name[f"{number:g} a connection"] = random_routes(
            source.model.route_spec, routes, number, index
        )
    if each_branch:
        routes_by_name |= route_samples.one_branch(source.model)
    flat_routes = np.concatenate(list(routes_by_name.values()))
    graphs = {
        "forced": (source, Form("forced")),
        "gated": (source, Form("routed", 1.0)),
        "all_branches": (source, Form("all_branches")),
        "against": (against, Form("all_branches")),
        "routed": (source, Form("routed", route_samples.LOWEST)),
    }
    with tempfile.TemporaryDirectory() as folder:
        forms = {
            name: litert.load(network, pathlib.Path(folder, f"{name}.tflite"), form)
            for name, (network, form) in graphs.items()
        }
        without_routed = {name: forms[name] for name in graphs if name != "routed"}
        count = len(flat_routes)
        images = np.resize(image, (count, *source.input_format.shape))
        times = litert.alternate(
            [forms] + [without_routed] * (count - 1), images, flat_routes, rounds, loop
        )
    # Both graphs run the first route: one chooses it, the other gets it as input.
    routers_ms = max(0.0, times[0]["routed"] - times[0]["forced"])
    fixed, branches = trace.macs(source.model)
    macs = {
        "all_branches": _macs_of_all(source.model),
        "against": _macs_of_all(against.model),
        "gated": _macs_of_all(source.model),
    }
    rows, start = [], 0
    for name, row_routes in routes_by_name.items():
        stop = start + len(row_routes)
        row_times = [{**t, "row": t["forced"] + routers_ms} for t in times[start:stop]]
        runs = row_routes != 0
        mean_macs = float(np.mean(fixed + runs @ branches))
        rows.append(
            {
                "name": name,
                "share": float(np.mean(runs)),
                "macs": mean_macs,
                "macs_saved": 1 - mean_macs / macs["all_branches"],
                "ms": statistics.mean(t["row"] for t in row_times),
                "time_saved": 1 - _ratio(row_times, "all_branches"),
                "to_against": _ratio(row_times, "against"),
            }
        )
        start = stop
    return {
        "source": source.name,
        "against": against.name,
        "threads": 1,
        "routes": routes,
        "rounds": rounds,
        "loop": loop,
        "macs": macs,
        "ms": {name: statistics.median(t[name] for t in times) for name in macs},
        "routers_ms": routers_ms,
        "rows": rows,
        "machine": timing.machine(),
    }


def _macs_of_all(model):
    fixed, branches = trace.macs(model)
    return int(fixed + branches.sum())


def _ratio(times, graph):
    """Returns the mean, over routes, of their time divided by that of a graph."""
    return statistics.mean(t["row"] / t[graph] for t in times)


def text(content: dict) -> str:
    """Returns the results of `measure` as text.

    Args:
        content: What `measure` returned.
    """
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


def main() -> None:
    """Runs the command on the flags."""
    path = pathlib.Path(FLAGS.against)
    against = sources.untrained(from_flagfile(Settings, path), path.stem)
    content = measure(
        export_flags.source_from_flags(),
        against,
        [float(number) for number in FLAGS.branches_per_connection],
        FLAGS.routes,
        FLAGS.rounds,
        FLAGS.loop,
        FLAGS.each_branch,
    )
    commands.report(content, text(content))


if __name__ == "__main__":
    export_flags.define_source()
    flags.DEFINE_string(
        "against",
        None,
        "Flagfile of the network to compare with. Its weights are random.",
    )
    flags.mark_flag_as_required("against")
    flags.DEFINE_list(
        "branches_per_connection",
        None,
        "Mean numbers of branches that random routes run in a connection, separated by "
        "commas.",
    )
    flags.mark_flag_as_required("branches_per_connection")
    for name, default, help in (
        ("routes", 5, "Number of random routes for each number of branches."),
        ("rounds", 5, "Number of times that each graph is timed on each route."),
        ("loop", 5, "Number of runs that are timed together each time."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=1)
    flags.DEFINE_bool(
        "each_branch",
        False,
        "Time also, for each branch, the route that runs it alone in every MixedOp.",
    )
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)
