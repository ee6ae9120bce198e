"""Profiles a network on a device: `python -m export.latency --run_dir=runs/NAME`."""

import contextlib
import functools
import sys

from absl import flags, logging

from export import flags as export_flags
from export.graph.form import CALIBRATION_IMAGES, PRECISIONS
from export.interpreter import MOST_THREADS
from tfdyn import commands
from tfdyn.errors import UserError

FLAGS = flags.FLAGS
# Arguments of a `Browser`, and the flags that hold them.
BROWSER = {
    "program": "browser",
    "host": "host",
    "port": "port",
    "packages": "litert_js",
}


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from export.latency.devices.devices import make_device

    _check_flags()
    source = export_flags.source_from_flags()
    device = make_device(
        FLAGS.device,
        FLAGS.benchmark_model,
        FLAGS.benchmark_app,
        FLAGS.timeout,
        {
            key: FLAGS[name].value
            for key, name in BROWSER.items()
            if FLAGS[name].present
        },
        FLAGS.num_threads,
        functools.partial(print, file=sys.stderr, flush=True),
    )
    with contextlib.closing(device):
        _measure(source, device)


def _measure(source, device):
    from export.latency.precision import Precision

    device.check_threads(FLAGS.num_threads)
    name = device.name
    if FLAGS.precision != "float32":
        name += f"-{FLAGS.precision}"
    path = export_flags.output_from_flags(
        source.home / f"latency.{name}.json", ("unit", "modules")
    )
    _check_outputs(path, source.model.modules)
    table, name = None, FLAGS.precision
    if FLAGS.check or (FLAGS.validate and path.exists()):
        table, name = _load(path, device)
    # Before the test images, for which noise may stand in.
    precision = Precision.of(source, name, CALIBRATION_IMAGES)
    images, _ = source.test_images(max(1, FLAGS.validate))
    if table is None:
        table = _profile(source, device, path, images[0], precision)
    if FLAGS.check:
        _check(source, device, table, images[0], precision)
    elif FLAGS.validate:
        _validate(source, device, table, images, path, precision)


def _load(path, device):
    """Returns a table that is there, and the precision of its files."""
    from export.latency.partial import remove_done
    from export.latency.provenance import known_precision, num_threads_of
    from tfdyn.costs import provenance
    from tfdyn.costs.cost_table import CostTable

    table = CostTable.load(path)
    remove_done(path.with_suffix(".partial"), path)
    measured = {
        "num_threads": num_threads_of(table),
        "precision": known_precision(table),
    }
    for name, value in measured.items():
        if commands.typed(name) and value != FLAGS[name].value:
            raise UserError(
                f"{path} was measured with --{name}={value}: leave out "
                f"--{name}={FLAGS[name].value}, or name another --output."
            )
    what = "checking" if FLAGS.check else "validating"
    commands.say(f"{what} {path}, {provenance.origin(table)}")
    provenance.warn(table, device.describe())
    return table, measured["precision"]


def _check_flags():
    if not 0 < FLAGS.timeout <= 86400:  # NaN is not.
        raise UserError(
            f"--timeout must be from 1 to 86400 seconds; got {FLAGS.timeout:g}."
        )
    if FLAGS.check and FLAGS.validate:
        raise UserError("--check and --validate exclude each other; leave one out.")


def _check_same_network(path, modules):
    """Refuses to replace a table, if it is of another network or precision."""
    from tfdyn.costs.cost_table import CostTable, module_key
    from tfdyn.costs.table_precision import precision_of

    try:
        table = CostTable.load(path)
    except UserError:
        return  # A broken one.
    if precision_of(table) != FLAGS.precision:
        raise UserError(
            f"{path} holds times of {precision_of(table)}, not of {FLAGS.precision}: "
            f"name another file with --output, or move that one away."
        )
    if not table.modules.keys() & {module_key(module.layer) for module in modules}:
        raise UserError(
            f"--output={path} holds the table of another network: name another file, "
            f"or move that one away."
        )


def _check_outputs(path, modules):
    """Checks, before anything is timed, that all files can be written."""
    from export.latency.partial import check_partial

    if path.exists() and not (FLAGS.check or FLAGS.validate):
        _check_same_network(path, modules)
    if not FLAGS.check:
        check_partial(path.with_suffix(".partial"))
    if FLAGS.validate:
        check_partial(path.with_suffix(".validation.partial"))
        for ending in (".validation.json", ".validation.png"):
            if path.with_suffix(ending).is_dir():
                raise UserError(
                    f"{path.with_suffix(ending)} is a folder, where a file is written: "
                    f"move it away, or name another file with --output."
                )


def _profile(source, device, path, image, precision):
    from export.latency.profiler import profile
    from export.latency.report import table_text
    from tfdyn.costs.provenance import origin
    from tfdyn.costs.route_cost import RouteCost

    threads = f"{FLAGS.num_threads} thread{'s' * (FLAGS.num_threads > 1)}"
    kind = "" if precision.name == "float32" else f", {precision.name}"
    commands.say(f"profiling {source.name} on {device.name}, {threads}{kind}")
    most = FLAGS.rounds
    limits = min(8, most), most
    table = profile(
        source, device, path, image, FLAGS.num_threads, *limits, precision=precision
    )
    spec = source.model.route_spec
    cost = RouteCost(source.model.modules, table)
    (total,) = cost.total(spec.split(spec.all_branches()))
    text = f"{table_text(table, float(total))}\n\n{origin(table)}\nwrote {path}"
    commands.say(text) if FLAGS.validate else commands.report(table.content(), text)
    return table


def _check(source, device, table, image, precision):
    from export.latency.recheck import recheck
    from export.latency.report import bias_warning, recheck_text

    content = recheck(source, device, table, image, precision)
    commands.report(content, recheck_text(content))
    if warning := bias_warning(content, table.name, device.name):
        logging.warning("%s", warning)


def _validate(source, device, table, images, path, precision):
    from export.latency.provenance import num_threads_of
    from export.latency.report import bias_warning, validation_text
    from export.latency.validation import validate

    most = min(20, max(2, FLAGS.rounds))  # Odd rounds are compared with even ones.
    threads = num_threads_of(table)
    content = validate(
        *(source, device, table, images, path, threads, min(10, most), most),
        precision=precision,
    )
    text = f"wrote {path.with_suffix('.validation.json')} and .png"
    commands.report(content, f"\n{validation_text(content)}\n\n{text}")
    if warning := bias_warning(content, str(path), device.name):
        logging.warning("%s", warning)


if __name__ == "__main__":
    export_flags.define_source()
    export_flags.define_output(
        "latency.DEVICE.json in the run's folder; latency.DEVICE-PRECISION.json for "
        "another precision than float32"
    )

    flags.DEFINE_string(
        "device", "host", "host, adb, adb:SERIAL, browser or browser:NAME."
    )
    flags.DEFINE_integer(
        "num_threads",
        1,
        "Number of CPU threads. For the host, at most that of cores.",
        lower_bound=1,
        upper_bound=MOST_THREADS,
    )
    flags.DEFINE_enum(
        "precision",
        "float32",
        PRECISIONS,
        "Precision of the files that are timed, as in export.tflite. A table holds for "
        "files of its precision.",
    )
    flags.DEFINE_integer(
        "rounds",
        40,
        "Largest number of times that each file is timed. The timing ends earlier if "
        "the medians are steady.",
        lower_bound=1,
        upper_bound=1000,
    )
    flags.DEFINE_integer(
        "validate",
        0,
        "Number of routes whose measured time is compared with the time that the "
        "table predicts. If there is no table, it is made first.",
        lower_bound=0,
        upper_bound=10_000,
    )
    flags.DEFINE_bool(
        "check",
        False,
        "Time a few routes of an existing table again, which takes seconds, to see "
        "whether the table still holds for this device.",
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
        "timeout",
        120,
        "adb, browser: seconds that one file may take.",
        lower_bound=1,
    )
    flags.DEFINE_string(
        "browser",
        None,
        "browser: Chromium or Chrome to start, without a window; auto: one on PATH. "
        "Default: open the printed address, on this machine or on a phone.",
    )
    flags.DEFINE_string(
        "host",
        "127.0.0.1",
        "browser: address to listen at. 0.0.0.0: for phones of the same network.",
    )
    flags.DEFINE_integer("port", 0, "browser: port; 0: any.", 0, 65535)
    flags.DEFINE_string(
        "litert_js",
        None,
        "browser: folder in which npm has installed LiteRT.js (default: npm gets it).",
    )
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)
