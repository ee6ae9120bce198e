"""Exports a run to TFLite: `python -m export.tflite --run_dir=runs/NAME`."""

import time

from absl import flags

from export import budget, gates
from export import source as sources
from tfdyn import commands, output
from tfdyn.errors import UserError
from tfdyn.routing.route import most_frequent

FLAGS = flags.FLAGS
PRECISIONS = ("float32", "float16", "dynamic")


def export(
    source,
    form,
    precision="float32",
    route=None,
    images=None,
    labels=None,
    choices=None,
):
    """Writes a network as one `.tflite` file, checked against Keras.

    Beside it stand `model.json` (what an app must know) and `manifest.json` (what was
    checked). A file that fails a check is not left.

    Args:
        source: `export.source.Source`.
        form: `export.graph.Form`.
        precision: "float32", "float16" (weights) or "dynamic" (weights in 8 bits,
            activations in 8 bits where the runtime has such kernels).
        route: For the fixed variant, its weights `(branches of all MixedOps,)`.
        images: uint8 images to check the file on, `(n, height, width, channels)`.
        labels: Their labels, `(n,)`, to count the file's accuracy, or `None`.
        choices: How T and gates were chosen, a dict for the manifest, or `None`.

    Returns:
        The file's path and its entry in `manifest.json`.

    Raises:
        ValueError: If an argument or the outcome of a check is not as it must be.
        OSError: If the folder cannot be written to.
    """
    from export import manifest
    from export.checks.check import check
    from export.graph import trace
    from tfdyn.files import whole

    sources.writable(source.folder)
    start = time.perf_counter()
    function = trace.gated(source.model, source.input_format, form, route)
    content = convert(function, precision)
    entry = {
        "variant": form.variant,
        "precision": precision,
        "threshold": form.threshold,
        "threshold_input": form.threshold_input,
        "preprocess": form.preprocess,
        "bytes": len(content),
        "convert_seconds": round(time.perf_counter() - start, 1),
    }
    path = source.folder / file_name(form.variant)
    with whole(path) as temporary:
        temporary.write_bytes(content)
        entry |= check(temporary, source, form, precision, route, images, labels)
    entry |= choices or {}
    if route is not None:
        entry["route"] = source.model.route_spec.to_json(route)
    manifest.write(source, form, path.name, entry)
    return path, entry


def file_name(variant):
    """Returns the name of a variant's file."""
    return "model.tflite" if variant == "routed" else f"model.{variant}.tflite"


def convert(function, precision="float32"):
    """Returns a traced function as the bytes of a `.tflite` file."""
    import tensorflow as tf

    from export.graph.flatbuffer import renamed

    if precision not in PRECISIONS:
        raise UserError(
            f"A precision is one of {', '.join(PRECISIONS)}; got {precision!r}."
        )
    module = tf.Module()
    module.serve = function
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with output.quiet():
        return renamed(converter.convert())


def choose_route(source, threshold, route_file=None, image=None, images=None):
    """Returns the route of a fixed graph, and how it was chosen.

    Args:
        source: `Source`.
        threshold: T.
        route_file: JSON file of a route, or `None`.
        image: Picture file whose route it is, or `None`.
        images: uint8 images, whose most frequent route it is otherwise.
    """
    from export.checks.parity import Reference
    from tfdyn.data.image_files import square

    if route_file:
        return source.model.route_spec.load(route_file), f"the route in {route_file}"
    form = source.input_format
    if image:
        images = square(image, form.shape[0], form.shape[-1])[None]
    _, taken = Reference(source.model)(form.normalize(images), threshold)
    if image:
        return taken[0], f"the route of {image}"
    route, share = most_frequent(taken)
    return route, f"the route of {share:.1%} of {len(images)} images"


def main():
    """Runs the command on the flags."""
    source = sources.from_command()
    form = sources.form_from_flags(source, FLAGS.variant)
    if (FLAGS.route or FLAGS.image) and form.variant != "fixed":
        raise UserError("--route and --image are for --variant=fixed.")
    if FLAGS.budget_ms is not None and FLAGS["threshold"].present:
        raise UserError("--budget_ms chooses the threshold; leave out --threshold.")
    sources.writable(source.folder)
    say = (lambda text: None) if FLAGS.json else print
    say(f"exporting {source.name}: {form.variant}, {FLAGS.precision}")
    choices = {}
    if FLAGS.budget_ms is not None:
        table = FLAGS.cost_table or FLAGS.latency_table
        form, choices = budget.meet(source, form, FLAGS.budget_ms, table)
        say(budget.line(choices))
    if FLAGS.latency_table:
        form, chosen = gates.leave_out(source, form, FLAGS.latency_table)
        say(gates.line(chosen, source.model))
        choices |= chosen
    images, labels = source.test_images(FLAGS.check_images)
    route = None
    if form.variant == "fixed":
        route, chosen = choose_route(
            source, form.threshold, FLAGS.route, FLAGS.image, images
        )
        say(f"fixed: {chosen}")
    path, entry = export(source, form, FLAGS.precision, route, images, labels, choices)
    if FLAGS.json:
        commands.print_json({"file": str(path), **entry})
        return
    print(
        f"converted in {entry['convert_seconds']:.0f} s; as in Keras on "
        f"{entry['same_top1']} of {entry['images']} images, logits to "
        f"{entry['max_logit_difference']:.1e}, routes on {entry['same_route']}"
        + (f"; accuracy {entry['accuracy']:.2%}" if "accuracy" in entry else "")
    )
    print(f"wrote {path} ({entry['bytes'] / 1e6:.2f} MB), model.json, manifest.json")


if __name__ == "__main__":
    sources.define()
    flags.adopt_module_key_flags(sources)  # so that --help lists them
    flags.DEFINE_enum("precision", "float32", PRECISIONS, "Of the weights.")
    flags.DEFINE_enum(
        "variant",
        "routed",
        ["routed", "all_branches", "fixed", "forced"],
        "routed; all_branches: no gates; fixed: one route, no gates; forced: gated, "
        "the route an input.",
    )
    flags.DEFINE_float(
        "budget_ms",
        None,
        "Mean milliseconds an image: takes the largest T that meets them by the cost "
        "table (--cost_table; default: the run's own), on the validation images.",
    )
    flags.DEFINE_string(
        "latency_table",
        None,
        "Table of export.latency by which gates are left out that cost more than they "
        "save.",
    )
    flags.DEFINE_string("route", None, "JSON file of the fixed route.")
    flags.DEFINE_string("image", None, "Picture whose route is the fixed one.")
    commands.define_json()
    commands.run(main)
