"""Compares the batched signature of the SavedModel with a graph that masks branches.

`python -m benchmarks.saved_model --run_dir=pretrained/drnet_xs_cifar10`

Both take uint8 images and return the same outputs. The batched signature runs each
branch only on the images that chose it. The masked graph runs all branches on all
images, and multiplies the outputs that an image did not choose by 0.
"""

import dataclasses
import pathlib
import statistics
import tempfile

import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks import timing
from export import flags as export_flags
from export.exporter import export_saved_model
from export.graph import trace
from export.graph.form import Form
from export.source import Source
from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.layers import execution
from tfdyn.text import align

FLAGS = flags.FLAGS
FORMS = ("batched", "masked")


def measure(
    source: Source, form: Form, images: np.ndarray, batch_size: int, rounds: int
) -> dict:
    """Measures the speed of both graphs.

    Args:
        source: `Source` of the network.
        form: `Form` of the routed variant.
        images: uint8 images `(n, height, width, channels)`. Those beyond the last
            whole batch are not used.
        batch_size: Number of images in a batch.
        rounds: Number of times that each graph is timed.

    Returns:
        A dict ready for JSON: the settings; `examples`, the number of images;
        `macs_mean`, the mean MACs an image; `images_per_s` of "batched" and "masked";
        and `ratio`, the time of masked divided by that of batched, with its quartiles.

    Raises:
        UserError: If there are fewer images than a batch has.
    """
    count = len(images) // batch_size * batch_size
    if not count:
        raise UserError(
            f"There are {len(images)} images, fewer than --batch_size={batch_size}. "
            f"Choose a smaller --batch_size, or more --images."
        )
    starts = range(0, count, batch_size)
    batches = [tf.constant(images[start : start + batch_size]) for start in starts]
    masked = trace.batched(source.model, source.input_format, form, execution.dense)
    with tempfile.TemporaryDirectory() as folder:
        copy = dataclasses.replace(source, folder=pathlib.Path(folder))
        path, _ = export_saved_model(copy, form, images[:batch_size])
        loaded = tf.saved_model.load(str(path))
    signatures = {"batched": loaded.signatures["batched"], "masked": masked}

    def run(function):
        return [function(images=batch)["macs"].numpy() for batch in batches]

    passes = {name: lambda f=f: run(f) for name, f in signatures.items()}
    macs = sum(part.sum() for part in passes["batched"]()) / count
    seconds = timing.alternate(passes, rounds)
    return {
        "source": source.name,
        "threshold": form.threshold,
        "examples": count,
        "batch_size": batch_size,
        "macs_mean": float(macs),
        "images_per_s": {
            name: count / statistics.median(seconds[name]) for name in FORMS
        },
        **timing.comparison(seconds["masked"], seconds["batched"]),
    }


def table(content: dict) -> str:
    """Returns the results of `measure` as text.

    Args:
        content: What `measure` returned.
    """
    rows = [["", "images/s"]]
    rows += [[name, f"{speed:.1f}"] for name, speed in content["images_per_s"].items()]
    low, high = content["ratio_quartiles"]
    return (
        f"{align(rows)}\n\n{content['source']}, T={content['threshold']}, "
        f"{content['examples']} images in batches of {content['batch_size']}: the "
        f"SavedModel is {content['ratio']:.2f} times as fast as masked (median of "
        f"{content['rounds']} rounds; quartiles {low:.2f} to {high:.2f})"
    )


def main() -> None:
    """Runs the command on the flags."""
    source = export_flags.source_from_flags(("batch_size", "threshold"))
    form = Form(threshold=export_flags.threshold_from_flags(source))
    images, _ = source.test_images(FLAGS.images)
    content = measure(source, form, images, FLAGS.batch_size, FLAGS.rounds)
    commands.report(content, table(content))


if __name__ == "__main__":
    export_flags.define_source()
    for name in ("run_dir", "threshold"):  # So that --help lists them.
        flags.declare_key_flag(name)
    FLAGS.set_default("batch_size", 256)
    flags.declare_key_flag("batch_size")
    # The flag's name in earlier versions.
    flags.DEFINE_alias("batches_of", "batch_size")
    flags.DEFINE_integer(
        "images", 2560, "Largest number of test images.", lower_bound=1
    )
    flags.DEFINE_integer(
        "rounds", 10, "Number of times that each graph is timed.", lower_bound=2
    )
    commands.define_json()
    commands.run(main)
