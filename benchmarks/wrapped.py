"""Measures a wrapped model beside the original's own file, in LiteRT on the CPU.

`python -m benchmarks.wrapped --run_dir=runs/wrapped_resnet32`
`python -m benchmarks.wrapped --application=MobileNetV2`

Of a run, its file at its T and the file that the stock converter makes of the original
are timed in turn, on test images, with one thread. Of a model of `keras.applications`
with random weights, these are measured:

 - the seconds to wrap, convert and check it, and the peak memory of the process;
 - the file at T=1, where routers run and skip nothing, beside the original's;
 - the file whose route is an input, on random routes that skip half of the blocks.
"""

import pathlib
import statistics
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from absl import flags

import tfdyn
from benchmarks import litert, timing
from export import flags as export_flags
from export import source as sources
from export.graph import trace
from export.graph.constants import Constants
from export.graph.convert import convert
from export.graph.form import Form
from export.interpreter import Interpreter
from export.source import Source
from export.tflite import convert_model
from tfdyn import commands, output
from tfdyn.costs import complexity
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.files import write_json

FLAGS = flags.FLAGS


def load_original(model: keras.Model, input_format: InputFormat, path) -> Interpreter:
    """Converts a Keras model with the stock converter, and loads the file.

    Args:
        model: Functional or sequential model.
        input_format: `InputFormat`: the file takes uint8 images, as tfdyn's files do.
        path: File to write.
    """
    constants = Constants(model)  # As in tfdyn's files.

    def serve(image):
        with constants:
            return {"outputs": model(input_format.normalize(image), training=False)}

    shape = (1, *input_format.shape)
    function = tf.function(serve, autograph=False).get_concrete_function(
        image=tf.TensorSpec(shape, tf.uint8, "image")
    )
    pathlib.Path(path).write_bytes(convert(function))
    with output.quiet():  # LiteRT prints the name of its delegate.
        return Interpreter(path, num_threads=1)


def of_run(
    source: Source, original: keras.Model, threshold, count, rounds, loop
) -> dict:
    """Times the file of a run beside that of the original.

    Args:
        source: `Source` of a run of a wrapped model.
        original: The model that was wrapped.
        threshold: T, a number or a list with one for each MixedOp.
        count: Largest number of test images.
        rounds: Number of times that each file is timed on each image.
        loop: Number of runs that are timed together each time.

    Returns:
        A dict ready for JSON. `macs` and `ms` map "wrapped" and "original" to means
        over the images; `macs_saved` and `time_saved` are shares of the original's.
    """
    images, _ = source.test_images(count)
    form = Form(threshold=threshold)
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "wrapped": litert.load(source, pathlib.Path(folder, "w.tflite"), form),
            "original": load_original(
                original, source.input_format, pathlib.Path(folder, "o.tflite")
            ),
        }
        macs = [float(files["wrapped"](image=image)["macs"][0]) for image in images]
        forms = [files] * len(images)
        times = litert.alternate(forms, images, [None] * len(images), rounds, loop)
    content = {
        "source": source.name,
        "threshold": threshold,
        "images": len(images),
        "rounds": rounds,
        "loop": loop,
    }
    return content | _saved(statistics.mean(macs), complexity.macs(original), times)


def _saved(macs, original_macs, times):
    """Returns what a file saves of the MACs and of the time of the original."""
    ms = {name: statistics.mean(row[name] for row in times) for name in times[0]}
    macs_saved = 1 - macs / original_macs
    time_saved = 1 - ms["wrapped"] / ms["original"]
    return {
        "macs": {"wrapped": macs, "original": original_macs},
        "ms": ms,
        "macs_saved": macs_saved,
        "time_saved": time_saved,
        "time_to_macs": time_saved / macs_saved if macs_saved > 0 else None,
        "machine": timing.machine(),
    }


def of_application(name: str, size: int, routes: int, rounds: int, loop: int) -> dict:
    """Wraps, converts, checks and times a model of `keras.applications`.

    Args:
        name: Name of the function in `keras.applications`.
        size: Height and width of the images, in pixels.
        routes: Number of random routes.
        rounds: Number of times that each file is timed on each route.
        loop: Number of runs that are timed together each time.

    Returns:
        A dict ready for JSON: `seconds` to wrap, convert and check, `peak_mib`,
        `all_blocks` and `half_of_blocks`, each as `of_run` returns them.
    """
    if not hasattr(keras.applications, name):
        raise UserError(f"--application={name}: keras.applications has no {name}.")
    keras.utils.set_random_seed(0)
    original = getattr(keras.applications, name)(
        weights=None, input_shape=(size, size, 3)
    )
    classes = tuple(map(str, range(original.output_shape[-1])))
    input_format = InputFormat(classes, (size, size, 3), (0.5,) * 3, (0.5,) * 3)
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        start = time.perf_counter()
        model = tfdyn.wrap(original)
        model.threshold = 1.0
        image_shape = (8, size, size, 3)
        images = generator.integers(0, 256, image_shape, "uint8")
        convert_model(model, folder / "w.tflite", input_format, images=images)
        seconds, peak = time.perf_counter() - start, timing.peak_memory()
        source = sources.from_model(model, input_format, folder)
        files = {
            "wrapped": Interpreter(folder / "w.tflite", num_threads=1),
            "original": load_original(original, input_format, folder / "o.tflite"),
        }
        images = images[[0] * routes]
        times = litert.alternate([files] * routes, images, [None] * routes, rounds, 1)
        original_macs = complexity.macs(original)
        macs = float(files["wrapped"](image=images[0])["macs"][0])
        all_blocks = _saved(macs, original_macs, times)
        halves = np.zeros((routes, model.route_spec.size), "float32")
        for route in halves:
            route[generator.permutation(len(route))[: len(route) // 2]] = 1
        files["wrapped"] = litert.load(
            source, folder / "forced.tflite", Form("forced", 1.0)
        )
        times = litert.alternate([files] * routes, images, halves, rounds, loop)
        fixed, costs = trace.macs(model, routers=False)
        macs = float(np.mean(fixed + (halves * costs).sum(axis=1)))
    return {
        "application": name,
        "image_size": size,
        "seconds": seconds,
        "peak_mib": peak,
        "blocks": len(model.residual_blocks),
        "all_blocks": all_blocks,
        "half_of_blocks": _saved(macs, original_macs, times),
    }


def text(content: dict) -> str:
    """Returns a result as people read it."""
    lines = []
    if "application" in content:
        lines.append(
            f"{content['application']}: wrapped, converted and checked in "
            f"{content['seconds']:.0f} s, at most {content['peak_mib'] / 1024:.1f} GiB"
        )
    for key in ("all_blocks", "half_of_blocks"):
        if key in content:
            lines.append(f"{key.replace('_', ' ')}: {_line(content[key])}")
    return "\n".join(lines or [_line(content)])


def _line(saved):
    ratio = saved["time_to_macs"]
    return (
        f"{saved['ms']['wrapped']:.3f} ms beside {saved['ms']['original']:.3f} ms of "
        f"the original: time saved {saved['time_saved']:.1%}, MACs saved "
        f"{saved['macs_saved']:.1%}" + (f", ratio {ratio:.2f}" if ratio else "")
    )


def main() -> None:
    """Runs the command on the flags."""
    if bool(FLAGS.run_dir) == bool(FLAGS.application):
        raise UserError("Pass either --run_dir or --application.")
    if FLAGS.application:
        content = of_application(
            FLAGS.application, FLAGS.image_size, FLAGS.routes, FLAGS.rounds, FLAGS.loop
        )
    else:
        source = sources.from_run(FLAGS.run_dir)
        path = FLAGS.model or source.settings.model
        original = keras.saving.load_model(path, compile=False)
        threshold = FLAGS.threshold or source.model.threshold
        content = of_run(
            source, original, threshold, FLAGS.images, FLAGS.rounds, FLAGS.loop
        )
    if FLAGS.output:
        write_json(FLAGS.output, content)
    commands.report(content, text(content))


if __name__ == "__main__":
    commands.define_run_dir("Folder of a run of `python -m tfdyn.wrap`.")
    flags.DEFINE_string("model", None, "File of the original, if it has moved.")
    flags.DEFINE_float("threshold", None, "T (default: that of the run).", 0.0, 1.0)
    flags.DEFINE_string(
        "application", None, "Name of a model of keras.applications, random weights."
    )
    flags.DEFINE_integer("image_size", 224, "--application: pixels.", 32, 1024)
    for name, default, help in (
        ("images", 200, "--run_dir: largest number of test images."),
        ("routes", 10, "--application: number of random routes."),
        ("rounds", 5, "Number of times that each file is timed on each image."),
        ("loop", 10, "Number of runs that are timed together each time."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=1)
    export_flags.define_output("none")
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)
