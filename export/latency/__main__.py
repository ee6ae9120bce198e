"""Profiles a network on a device: `python -m export.latency --run_dir=runs/NAME`."""

import pathlib

from absl import flags

from export import source as sources
from tfdyn import commands
from tfdyn.errors import UserError

FLAGS = flags.FLAGS


def make_device(name, benchmark_model=None, app=False, timeout_s=120):
    """Returns the device of a name: "host", "adb" or "adb:SERIAL".

    Args:
        name: Which.
        benchmark_model: As for `Adb`.
        app: As for `Adb`.
        timeout_s: As for `Adb`.

    Raises:
        ValueError: If it is none of them.
        OSError: If it is not connected.
    """
    from export.latency.devices.adb import Adb
    from export.latency.devices.host import Host

    kind, _, serial = name.partition(":")
    if name == "host":
        if benchmark_model or app:
            raise UserError(
                "--benchmark_model and --benchmark_app are for --device=adb: the host "
                "runs LiteRT in this process."
            )
        return Host()
    if kind != "adb" or name.endswith(":"):
        raise UserError(f"--device is host, adb or adb:SERIAL; got {name!r}.")
    return Adb(serial or None, benchmark_model, app, timeout_s)


def table_text(table, all_branches):
    """Returns a latency table as people read it.

    Args:
        table: `CostTable` in ms.
        all_branches: Predicted ms of the network with all its branches.
    """
    rows = [
        (
            entry["name"],
            f"{entry['count']}",
            f"{entry['cost']:.4f}",
            f"{entry['spread']:.4f}",
        )
        for entry in table.modules.values()
    ]
    rows += [
        ("a gate, taken", "", f"{table.gate['taken']:.4f}", ""),
        ("a gate, not taken", "", f"{table.gate['not_taken']:.4f}", ""),
        ("remainder", "", f"{table.remainder:.4f}", ""),
        ("all branches, gated", "", f"{all_branches:.4f}", ""),
    ]
    width = max(len(name) for name, *_ in rows)
    head = f"{'':{width}}{'count':>7}{'ms':>10}{'spread':>10}"
    lines = [f"{a:{width}}{b:>7}{c:>10}{d:>10}".rstrip() for a, b, c, d in rows]
    return "\n".join([head, *lines])


def validation_text(content):
    """Returns a validation as people read it."""
    noise = [name for name in ("repeated", "remeasured") if name in content]
    rows = [content, *(content[name] for name in noise)]
    head = "".join(f"{name:>12}" for name in ("predicted", *noise))
    lines = [f"{'':20}{head}"]
    for name in ("correlation", "within_5_percent", "within_10_percent"):
        lines.append(_line(name, rows, "{:.4f}"))
    for name in ("median_error", "worst_error", "bias"):
        lines.append(_line(name, rows, "{:.2%}"))
    return "\n".join(lines)


def _line(name, rows, form):
    values = [form.format(row[name]) for row in rows]
    return f"{name.replace('_', ' '):20}" + "".join(f"{value:>12}" for value in values)


def main():
    """Runs the command on the flags."""
    from export.latency import validation
    from export.latency.profiler import profile
    from tfdyn.costs.cost_table import CostTable
    from tfdyn.costs.route_cost import RouteCost
    from tfdyn.files import write_json

    source = sources.from_command()
    device = make_device(
        FLAGS.device, FLAGS.benchmark_model, FLAGS.benchmark_app, FLAGS.timeout
    )
    path = pathlib.Path(
        FLAGS.output or source.folder.parent / f"latency.{device.name}.json"
    )
    sources.writable(path.parent)
    say = (lambda text: None) if FLAGS.json else print
    images, _ = source.test_images(max(1, FLAGS.validate))
    if FLAGS.validate and path.exists():
        table = CostTable.load(path)
        say(f"validating {path}, of {table.provenance.get('date')}")
    else:
        threads = f"{FLAGS.num_threads} thread{'s' * (FLAGS.num_threads > 1)}"
        say(f"profiling {source.name} on {device.name}, {threads}")
        most = FLAGS.rounds
        table = profile(
            source, device, path, images[0], FLAGS.num_threads, min(8, most), most
        )
        model = source.model
        every = model.route_spec.split(model.route_spec.all_branches())
        (total,) = RouteCost(model.modules, table).total(every)
        say(table_text(table, float(total)))
        say(f"\nwrote {path}")
    if not FLAGS.validate:
        if FLAGS.json:
            commands.print_json(vars(table))
        return
    threads = table.provenance.get("num_threads", FLAGS.num_threads)
    most = min(20, max(2, FLAGS.rounds))  # An even round beside the odd.
    content = validation.validate(
        source, device, table, images, threads, min(10, most), most
    )
    write_json(path.with_suffix(".validation.json"), content)
    validation.plot(path.with_suffix(".validation.png"), content)
    if FLAGS.json:
        commands.print_json(content)
    say(f"\n{validation_text(content)}")
    say(f"\nwrote {path.with_suffix('.validation.json')} and .png")


if __name__ == "__main__":
    sources.define()
    for name in ("run_dir", "data_dir"):  # So that --help lists them.
        flags.declare_key_flag(name)
    flags.DEFINE_string("device", "host", "host, adb or adb:SERIAL.")
    flags.DEFINE_integer("num_threads", 1, "Threads of its CPU.", lower_bound=1)
    flags.DEFINE_integer(
        "rounds",
        40,
        "How often each file is timed, at most: less often, once medians are steady.",
        lower_bound=1,
    )
    flags.DEFINE_integer(
        "validate", 0, "Routes to measure beside their predictions.", lower_bound=0
    )
    flags.DEFINE_string("output", None, "The table (default: in the run's folder).")
    flags.DEFINE_string("benchmark_model", None, "TFLite's benchmark, for adb.")
    flags.DEFINE_bool("benchmark_app", False, "Run the benchmark app instead, on adb.")
    flags.DEFINE_float("timeout", 120, "Seconds for a file on adb.", lower_bound=1)
    commands.define_json()
    commands.run(main)
