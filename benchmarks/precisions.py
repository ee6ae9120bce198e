"""Compares a routed network in four precisions, in LiteRT on the CPU.

`python -m benchmarks.precisions --run_dir=pretrained/drnet_xs_cifar10`

Files are made of a run, at its T: routed in float32, float16, dynamic and int8, routed
in int8 with gates that pass float32, as the converter makes them, and with all
branches in float32 and int8. The routed ones classify all `--images`. All are timed in
turn, with one thread, on the first `--timed` of these.
"""

import importlib.metadata
import pathlib
import statistics
import tempfile

import numpy as np
from absl import flags

from benchmarks import litert, timing
from export import flags as export_flags
from export.graph import trace
from export.graph.calibration import calibrate
from export.graph.convert import convert
from export.graph.form import CALIBRATION_IMAGES, PRECISIONS, Form
from export.interpreter import Interpreter
from export.source import Source
from tfdyn import commands, output
from tfdyn.files import write_json
from tfdyn.text import align

FLAGS = flags.FLAGS
# Name of a file: its variant, its precision, and whether its gates pass float32.
FILES = {
    **{name: ("routed", name, False) for name in PRECISIONS},
    "int8, float gates": ("routed", "int8", True),
    "float32, all branches": ("all_branches", "float32", False),
    "int8, all branches": ("all_branches", "int8", False),
}


def measure(
    source: Source,
    images: np.ndarray,
    labels: np.ndarray | None,
    calibration: np.ndarray,
    timed: int = 50,
    rounds: int = 5,
    loop: int = 10,
) -> dict:
    """Compares the files of a network.

    Args:
        source: `Source` of the network.
        images: uint8 images `(n, height, width, channels)`.
        labels: Their labels `(n,)`, or `None`.
        calibration: uint8 images on which the ranges of activations are observed.
        timed: Number of images on which the files are timed.
        rounds: Number of times that each file is timed on each image.
        loop: Number of runs that are timed together each time.

    Returns:
        A dict ready for JSON: the settings; `bytes` and `ms` (the mean over images)
        of each file; for each precision `accuracy` of the routed file, `None` without
        labels, and `same_route` and `same_class`, the shares of the images with the
        same branches and class as in float32; the ratios `bytes_ratio` and
        `time_ratio` of int8 to float32;
        `macs_saved` and `time_saved` of int8, routed, against int8 with all branches,
        and their `saved_ratio`; and `float_gates_us`, what a gate costs more in
        microseconds if it passes float32.
    """
    threshold = source.model.threshold
    normalized = np.asarray(source.input_format.normalize(calibration))
    ranges = {
        "routed": calibrate(source.model, normalized, threshold),
        "all_branches": calibrate(source.model, normalized, 1.0),
    }
    with tempfile.TemporaryDirectory() as folder:
        interpreters, sizes = {}, {}
        for name, (variant, precision, float_gates) in FILES.items():
            function = trace.gated(
                source.model,
                source.input_format,
                Form(variant, threshold),
                ranges=ranges[variant] if precision == "int8" else None,
            )
            # A file of its own: LiteRT maps it into memory.
            path = pathlib.Path(folder, f"{name}.tflite")
            path.write_bytes(convert(function, precision, float_gates))
            sizes[name] = path.stat().st_size
            with output.quiet():  # LiteRT prints the name of its delegate.
                interpreters[name] = Interpreter(path)
    results = {name: _run(interpreters[name], images) for name in PRECISIONS}
    count = min(timed, len(images))
    rows = litert.alternate(
        [interpreters] * count, images[:count], [None] * count, rounds, loop
    )
    ms = {name: statistics.mean(row[name] for row in rows) for name in FILES}
    logits, routes = results["float32"]
    always, branches = trace.macs(source.model)
    macs = always + np.mean(results["int8"][1][:count] @ branches)
    macs_saved = float(1 - macs / (always + branches.sum()))
    time_saved = 1 - ms["int8"] / ms["int8, all branches"]
    gates = source.model.route_spec.size
    return {
        "source": source.name,
        "threshold": threshold,
        "images": len(images),
        "calibration_images": len(calibration),
        "timed": count,
        "rounds": rounds,
        "loop": loop,
        "accuracy": {
            name: None if labels is None else float(np.mean(each.argmax(-1) == labels))
            for name, (each, _) in results.items()
        },
        "same_class": {
            name: float(np.mean(logits.argmax(-1) == each.argmax(-1)))
            for name, (each, _) in results.items()
        },
        "same_route": {
            name: float(np.mean((routes == each).all(axis=-1)))
            for name, (_, each) in results.items()
        },
        "bytes": sizes,
        "bytes_ratio": sizes["int8"] / sizes["float32"],
        "ms": ms,
        "time_ratio": ms["int8"] / ms["float32"],
        "macs_saved": macs_saved,
        "time_saved": time_saved,
        "saved_ratio": time_saved / macs_saved if macs_saved else None,
        "float_gates_us": 1e3 * (ms["int8, float gates"] - ms["int8"]) / gates,
        "machine": {
            **timing.machine(),
            "ai-edge-litert": importlib.metadata.version("ai-edge-litert"),
        },
    }


def _run(interpreter, images):
    """Returns the logits of images, and which branches ran."""
    logits, routes = [], []
    for image in images:
        outputs = interpreter(image=image)
        logits.append(outputs["logits"][0])
        routes.append(outputs["route"][0] != 0)
    return np.stack(logits), np.stack(routes)


def text(content: dict) -> str:
    """Returns the results of `measure` as a table and a line of ratios.

    Args:
        content: What `measure` returned.
    """
    rows = [["", "accuracy", "same class", "same route", "KB", "ms"]]
    for name, milliseconds in content["ms"].items():
        shares = [
            content[key].get(name) for key in ("accuracy", "same_class", "same_route")
        ]
        shares = ["" if share is None else f"{share:.2%}" for share in shares]
        size = f"{content['bytes'][name] / 1e3:.0f}"
        rows.append([name, *shares, size, f"{milliseconds:.3f}"])
    saved = content["saved_ratio"]
    saved = "" if saved is None else f", time saved / MACs saved {saved:.2f}"
    return (
        f"{align(rows)}\n"
        f"int8 / float32: bytes {content['bytes_ratio']:.3f}, time "
        f"{content['time_ratio']:.2f}; {content['images']} images\n"
        f"int8 against all branches of int8: {content['macs_saved']:.1%} of the MACs "
        f"saved, {content['time_saved']:.1%} of the time{saved}\n"
        f"a gate that passes float32 costs {content['float_gates_us']:.1f} µs more"
    )


def main() -> None:
    """Runs the command on the flags."""
    source = export_flags.source_from_flags()
    path = export_flags.output_from_flags(
        source.home / "precisions.json", ("source", "threshold")
    )
    images, labels = source.test_images(FLAGS.images)
    calibration = source.calibration_images(FLAGS.calibration_images)
    content = measure(
        source, images, labels, calibration, FLAGS.timed, FLAGS.rounds, FLAGS.loop
    )
    write_json(path, content)
    commands.report(content, f"{text(content)}\nwrote {path}")


if __name__ == "__main__":
    export_flags.define_source()
    for name, default, help, least in (
        ("images", 10_000, "Largest number of test images to classify.", 1),
        (
            "calibration_images",
            CALIBRATION_IMAGES,
            "Number of training images on which the ranges are observed.",
            32,
        ),
        ("timed", 50, "Number of test images on which the files are timed.", 1),
        ("rounds", 5, "Number of times that each file is timed on each image.", 1),
        ("loop", 10, "Number of runs that are timed together each time.", 1),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=least)
    export_flags.define_output("precisions.json in the run's folder")
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)
