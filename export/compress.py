"""Compresses one fixed route of a run: `python -m export.compress --method=qat`.

The network of one route has no gates, and accelerators take it. The TensorFlow Model
Optimization Toolkit fine-tunes it: rounded to 8 bits, with half of its weights 0, or
with few different weights. The file is full integer.
"""

from absl import flags

from export import flags as export_flags
from export.compression.worker import METHODS, Job
from export.graph.form import CALIBRATION_IMAGES
from tfdyn import commands
from tfdyn.errors import UserError

FLAGS = flags.FLAGS
# Settings of a training that this command reads for a run too.
READS = ("threshold", "batch_size")


def main() -> None:
    """Runs the command on the flags."""
    _check_flags()
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from export.compression import compressor

    source = export_flags.source_from_flags(READS)
    commands.say(f"compressing {source.name} by {FLAGS.method}")
    images, labels = source.test_images(FLAGS.test_images)
    if labels is None:
        raise UserError(
            f"The data of {source.name} are missing, and compressing trains on them: "
            f"name their folder with --data_dir."
        )
    route, reason = _route(source, images)
    commands.say(f"the network of {reason}")
    job = Job(
        base="",
        output="",
        run=str(source.run.path),
        data_dir=FLAGS.data_dir,
        method=FLAGS.method,
        epochs=FLAGS.epochs,
        learning_rate=FLAGS.learning_rate,
        batch_size=FLAGS.batch_size if FLAGS["batch_size"].present else 128,
        sparsity=FLAGS.sparsity,
        clusters=FLAGS.clusters,
        calibration_images=FLAGS.calibration_images,
        int8_io=FLAGS.int8_io,
        train_images=FLAGS.train_images,
    )
    number = f"_{FLAGS.codebook_route}" if FLAGS.codebook_route else ""
    stem = f"model.fixed{number}"
    content = compressor.compress(source, route, job, images, labels, stem)
    commands.report(content, compressor.text(content))


def _check_flags():
    if FLAGS.untrained:
        raise UserError("--untrained has no data to train on; name a run instead.")
    names = [n for n in ("route", "image", "codebook_route") if FLAGS[n].value]
    if len(names) > 1:
        raise UserError(f"--{' and --'.join(names)} exclude each other; keep one.")
    for name, method in (("sparsity", "prune"), ("clusters", "cluster")):
        if FLAGS[name].present and method not in FLAGS.method:
            raise UserError(
                f"--{name} is for --method={method}, and has no effect with "
                f"--method={FLAGS.method}; leave it out."
            )
    if names and names != ["image"] and export_flags.asked("threshold"):
        raise UserError(f"--threshold has no effect with --{names[0]}; leave it out.")


def _route(source, images):
    """Returns the route that the flags ask for, and a text that says which it is."""
    from export.exporter import choose_route

    number, routes = FLAGS.codebook_route, getattr(source.model, "routes", None)
    if not number:
        threshold = export_flags.threshold_from_flags(source)
        return choose_route(source, threshold, images[:256], FLAGS.route, FLAGS.image)
    if routes is None or number > len(routes):
        have = "has no codebook" if routes is None else f"has {len(routes)} routes"
        raise UserError(
            f"--codebook_route={number}: {source.name} {have}. Name another route, or "
            f"leave it out for the most frequent one."
        )
    return routes[number - 1], f"route {number} of its codebook"


if __name__ == "__main__":
    export_flags.define_source()
    flags.DEFINE_enum(
        "method",
        None,
        METHODS,
        "qat: fine-tuning with weights and activations rounded to 8 bits. prune: the "
        "smallest weights become 0. cluster: each kernel has few different weights. "
        "prune+qat: one after the other. With each, the file then becomes int8.",
    )
    flags.mark_flag_as_required("method")
    flags.DEFINE_string(
        "export_dir",
        None,
        "Folder for the exported files (default: export/ in the run's folder).",
    )
    flags.DEFINE_string("route", None, "JSON file of the route.")
    flags.DEFINE_string("image", None, "Image whose route is used.")
    flags.DEFINE_integer(
        "codebook_route",
        None,
        "Number of the route in the run's codebook; 1 is the cheapest.",
        lower_bound=1,
    )
    flags.DEFINE_integer("epochs", 2, "Epochs of each stage.", lower_bound=1)
    flags.DEFINE_float(
        "learning_rate",
        0.002,
        "Learning rate of the first step. It falls to 0 as a cosine.",
        lower_bound=1e-9,
    )
    flags.DEFINE_float(
        "sparsity",
        0.5,
        "--method=prune: share of the weights of each large kernel that becomes 0.",
        lower_bound=0.01,
        upper_bound=0.99,
    )
    flags.DEFINE_integer(
        "clusters",
        16,
        "--method=cluster: number of different weights of each large kernel.",
        lower_bound=2,
        upper_bound=256,
    )
    flags.DEFINE_integer(
        "calibration_images",
        CALIBRATION_IMAGES,
        "Number of training images on which the ranges of activations are observed.",
        lower_bound=32,
    )
    flags.DEFINE_integer(
        "train_images",
        None,
        "Largest number of training images of an epoch (default: all).",
        lower_bound=1,
    )
    flags.DEFINE_integer(
        "test_images",
        10_000,
        "Largest number of test images on which accuracy is measured.",
        lower_bound=1,
    )
    export_flags.define_int8_io(needs_precision=False)
    for name in ("threshold", "batch_size"):  # So that --help lists them.
        flags.declare_key_flag(name)
    commands.define_json()
    for module in (export_flags, commands):
        flags.adopt_module_key_flags(module)
    commands.run(main)
