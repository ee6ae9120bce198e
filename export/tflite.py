"""Exports a run to TFLite: `python -m export.tflite --run_dir=runs/NAME`."""

import pathlib
from typing import TYPE_CHECKING

from absl import flags

from export import flags as export_flags
from export.graph.form import CALIBRATION_IMAGES, PRECISIONS, VARIANTS, Form
from tfdyn import commands
from tfdyn.errors import UserError

if TYPE_CHECKING:
    from tfdyn.data.input_format import InputFormat
    from tfdyn.models.routed_model import RoutedModel

FLAGS = flags.FLAGS
# Settings of a training that this command reads for a run too.
READS = ("threshold", "cost_table", "target_rate")


def convert_model(
    model: "RoutedModel",
    path,
    input_format: "InputFormat",
    threshold: float | list[float] | None = None,
    precision: str = "float32",
    images=None,
    calibration=None,
    int8_io: bool = False,
) -> dict:
    """Converts a network to one `.tflite` file that runs only each image's branches.

    Writes `model.json`, which `export.runtime.Classifier` and apps read, and
    `manifest.json` beside the file. The file is compared with Keras before it is kept.

    ```python
    model = tfdyn.build("dmnn_tiny", (32, 32, 3), 2)
    input_format = InputFormat(("cat", "dog"), (32, 32, 3), (0.5,) * 3, (0.25,) * 3)
    convert_model(model, "exported/model.tflite", input_format)
    ```

    Args:
        model: `RoutedModel`, of any weights.
        path: Path of the `.tflite` file to write. Its folder is made.
        input_format: `InputFormat`: shape, mean and standard deviation of the images,
            and the names of the classes.
        threshold: T, a number or a list with one for each MixedOp (default: the
            model's own).
        precision: Precision of the weights: "float32", "float16", "dynamic" (8 bits) or
            "int8" (8 bits, activations too).
        images: uint8 images `(n, height, width, channels)` to compare with Keras on
            (default: 32 images of noise).
        calibration: For "int8", uint8 images like those of the training, at least 32,
            on which the ranges of activations are observed.
        int8_io: With "int8", whether images, logits and probabilities are int8, too.

    Returns:
        The file's entry in `manifest.json`: size, operations, and how near its outputs
        are to those of Keras.

    Raises:
        UserError: If an argument is wrong, the file fails a check, or the folder holds
            what is not of this network.
        OSError: If the folder cannot be written to.
    """
    # As in `main`: TensorFlow takes seconds to import.
    from export.exporter import export_tflite
    from export.source import from_model
    from tfdyn.data.input_format import InputFormat
    from tfdyn.models.routed_model import RoutedModel
    from tfdyn.routing.threshold import check_threshold
    from tfdyn.runs.precision import dtype_policy

    for value, kind in ((model, RoutedModel), (input_format, InputFormat)):
        if not isinstance(value, kind):
            raise UserError(f"Expected a {kind.__name__}; got {value!r}.")
    path = pathlib.Path(path)
    if path.suffix != ".tflite":
        raise UserError(f"The path must end with .tflite; got {path}.")
    threshold = check_threshold(model.threshold if threshold is None else threshold)
    # Whatever Keras's policy: the file has a precision of its own.
    with dtype_policy("float32"):
        source = from_model(model, input_format, path.parent)
        images = source.test_images(32)[0] if images is None else images
        _, entry = export_tflite(
            source,
            Form(threshold=threshold, int8_io=int8_io),
            images,
            None,
            precision,
            name=path.name,
            calibration=calibration,
        )
    return entry


def main() -> None:
    """Runs the command on the flags."""
    export_flags.refuse_settings(READS)
    _refuse_unused_flags()
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from export import gates, goal, manifest
    from export.exporter import choose_route, export_tflite, file_name

    limits = export_flags.goal_from_flags()
    source = export_flags.source_from_flags(READS)
    form = export_flags.form_from_flags(source, FLAGS.variant)
    # The export checks this too, but the search of T takes minutes.
    manifest.prepare(source, form, file_name(form.variant))
    commands.say(f"exporting {source.name}: {form.variant}, {FLAGS.precision}")
    choices = {}
    if limits:
        table = FLAGS.cost_table or FLAGS.latency_table
        form, choices = goal.meet(source, form, *limits, table, FLAGS.precision)
        commands.say(goal.line(choices))
    calibration = None
    if FLAGS.precision == "int8":
        calibration = source.calibration_images(FLAGS.calibration_images)
    if FLAGS.latency_table:
        table = FLAGS.latency_table
        form, gate_choices = gates.leave_out(source, form, table, FLAGS.precision)
        commands.say(gates.line(gate_choices, source.model))
        choices |= gate_choices
    images, labels = source.test_images(FLAGS.check_images)
    route = None
    if form.variant == "fixed":
        if labels is None and source.run and not (FLAGS.route or FLAGS.image):
            raise UserError(
                "--variant=fixed without the run's data needs --route or --image: the "
                "most frequent route of noise means nothing."
            )
        route, reason = choose_route(
            source, form.threshold, images, FLAGS.route, FLAGS.image
        )
        commands.say(f"fixed: {reason}")
    if labels is None:
        choices["checked_on"] = "noise"
    path, entry = export_tflite(
        source,
        form,
        images,
        labels,
        FLAGS.precision,
        route,
        choices,
        calibration=calibration,
    )
    content = {"file": str(path), "trained": source.run is not None, **entry}
    commands.report(content, _text(path, entry))


def _refuse_unused_flags():
    variant, route, image = FLAGS.variant, FLAGS.route, FLAGS.image
    if (route or image) and variant != "fixed":
        raise UserError(
            "--route and --image are for --variant=fixed; add it, or leave them out."
        )
    if route and image:
        raise UserError(
            "--route and --image exclude each other; leave one of them out."
        )
    for name in ("budget_ms", "target_rate", "latency_table"):
        if FLAGS.untrained and export_flags.asked(name):
            raise UserError(
                f"--{name} needs a trained run and its validation images; leave it "
                f"out, or leave out --untrained."
            )
    uses_t = variant == "routed" or (variant == "fixed" and not route)
    if export_flags.asked("threshold") and not uses_t:
        other = "--route" if route else f"--variant={variant}"
        raise UserError(f"--threshold has no effect with {other}; leave it out.")
    if FLAGS["calibration_images"].present and FLAGS.precision != "int8":
        raise UserError(
            f"--calibration_images is for --precision=int8, and has no effect with "
            f"--precision={FLAGS.precision}; leave it out."
        )
    export_flags.refuse_int8_io()
    if FLAGS.latency_table and variant != "routed":
        raise UserError(
            f"--latency_table leaves out gates of the routed variant, and "
            f"--variant={variant} has none to leave out. Leave one of the two out."
        )


def _text(path, entry):
    accuracy = f"; accuracy {entry['accuracy']:.2%}" if "accuracy" in entry else ""
    convolutions = entry["convolutions"].items()
    convolutions = ", ".join(f"{count} {kind}" for kind, count in convolutions)
    if entry["precision"] == "int8" and len(entry["convolutions"]) > 1:
        convolutions += " (routers stay float)"
    return (
        f"converted in {entry['convert_seconds']:.0f} s; as in Keras on "
        f"{entry['same_top1']} of {entry['images']} images, routes on "
        f"{entry['same_route']}; logits differ by at most "
        f"{entry['max_logit_difference']:.1e}"
        f"{accuracy}\n"
        f"convolutions (weights x activations): {convolutions.lower()}\n"
        f"wrote {path} ({entry['bytes'] / 1e6:.2f} MB), model.json, manifest.json"
    )


if __name__ == "__main__":
    export_flags.define_source()
    export_flags.define_form()
    export_flags.define_goals()
    export_flags.define_latency_table()

    flags.DEFINE_enum(
        "precision",
        "float32",
        PRECISIONS,
        "Precision of the weights. float16: 16 bits. dynamic: 8 bits, and activations "
        "in 8 bits where the runtime has such kernels. int8: weights and activations "
        "of 8 bits, except in routers, by ranges observed on training images.",
    )
    export_flags.define_int8_io()
    flags.DEFINE_integer(
        "calibration_images",
        CALIBRATION_IMAGES,
        "--precision=int8: number of training images on which the ranges of "
        "activations are observed.",
        lower_bound=32,
    )
    flags.DEFINE_enum(
        "variant",
        "routed",
        VARIANTS,
        "routed: each branch behind a gate. all_branches: no gates, all branches. "
        "fixed: no gates, the branches of one route, by default the most frequent "
        "route of --check_images. forced: gates, and the route is an input.",
    )
    flags.DEFINE_string("route", None, "--variant=fixed: JSON file of the route.")
    flags.DEFINE_string("image", None, "--variant=fixed: image whose route is used.")
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)
