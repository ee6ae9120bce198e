"""Profiles a network on a device: `python -m export.latency --run_dir=runs/NAME`."""

from absl import flags

from export import flags as export_flags
from export.interpreter import MOST_THREADS
from tfdyn import commands

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from export.latency.devices.devices import make_device
    from tfdyn.costs.cost_table import CostTable

    source = export_flags.source_from_flags()
    device = make_device(
        FLAGS.device, FLAGS.benchmark_model, FLAGS.benchmark_app, FLAGS.timeout
    )
    path = export_flags.output_from_flags(source.home / f"latency.{device.name}.json")
    images, _ = source.test_images(max(1, FLAGS.validate))
    if FLAGS.validate and path.exists():
        table = CostTable.load(path)
        commands.say(f"validating {path}, of {table.provenance.get('date')}")
    else:
        table = _profile(source, device, path, images[0])
    if FLAGS.validate:
        _validate(source, device, table, images, path)


def _profile(source, device, path, image):
    from export.latency.profiler import profile
    from export.latency.report import table_text
    from tfdyn.costs.route_cost import RouteCost

    threads = f"{FLAGS.num_threads} thread{'s' * (FLAGS.num_threads > 1)}"
    commands.say(f"profiling {source.name} on {device.name}, {threads}")
    most = FLAGS.rounds
    table = profile(source, device, path, image, FLAGS.num_threads, min(8, most), most)
    spec = source.model.route_spec
    cost = RouteCost(source.model.modules, table)
    (total,) = cost.total(spec.split(spec.all_branches()))
    text = f"{table_text(table, float(total))}\n\nwrote {path}"
    commands.say(text) if FLAGS.validate else commands.report(vars(table), text)
    return table


def _validate(source, device, table, images, path):
    from export.latency.report import plot, validation_text
    from export.latency.validation import validate
    from tfdyn.files import write_json

    threads = table.provenance.get("num_threads", FLAGS.num_threads)
    most = min(20, max(2, FLAGS.rounds))  # Odd rounds are compared with even ones.
    folder = path.with_suffix(".validation.partial")
    content = validate(
        source, device, table, images, folder, threads, min(10, most), most
    )
    write_json(path.with_suffix(".validation.json"), content)
    plot(path.with_suffix(".validation.png"), content)
    text = f"wrote {path.with_suffix('.validation.json')} and .png"
    commands.report(content, f"\n{validation_text(content)}\n\n{text}")


if __name__ == "__main__":
    export_flags.define_source()
    export_flags.define_output("latency.DEVICE.json in the run's folder")

    flags.DEFINE_string("device", "host", "host, adb or adb:SERIAL.")
    flags.DEFINE_integer(
        "num_threads", 1, "Number of CPU threads.", 1, upper_bound=MOST_THREADS
    )
    flags.DEFINE_integer(
        "rounds",
        40,
        "Largest number of times that each file is timed. The timing ends earlier if "
        "the medians are steady.",
        lower_bound=1,
    )
    flags.DEFINE_integer(
        "validate",
        0,
        "Number of routes whose measured time is compared with the time that the "
        "table predicts. If there is no table, it is made first.",
        lower_bound=0,
    )
    flags.DEFINE_string(
        "benchmark_model",
        None,
        "adb: path of TFLite's program benchmark_model, on this machine or the device.",
    )
    flags.DEFINE_bool(
        "benchmark_app", False, "adb: run the benchmark app instead of the program."
    )
    flags.DEFINE_float(
        "timeout", 120, "adb: seconds that one file may take.", lower_bound=1
    )
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)
