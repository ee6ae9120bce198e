"""The SavedModel's batched signature, beside the masked dense network.

`python -m benchmarks.saved_model --run_dir=pretrained/drnet_xs_cifar10`

Both take uint8 images and give the same outputs; the masked one runs all branches and
multiplies those not chosen by 0.
"""

import dataclasses
import pathlib
import tempfile

from absl import flags

from benchmarks import timing
from export import source as sources
from tfdyn import commands
from tfdyn.errors import UserError

FLAGS = flags.FLAGS
FORMS = ("batched", "masked")


def measure(source, form, images, batch_size, rounds):
    """Returns images a second of both forms, and their ratio.

    Args:
        source: `export.source.Source`.
        form: `export.graph.Form` of the routed variant.
        images: uint8 images `(n, height, width, channels)`; whole batches are used.
        batch_size: Images at once.
        rounds: How often each form is timed.
    """
    import statistics

    import tensorflow as tf

    from export import saved_model
    from export.graph import trace
    from tfdyn.layers import execution

    count = len(images) // batch_size * batch_size
    if not count:
        raise UserError(
            f"There are {len(images)} images, fewer than --batches_of={batch_size}; "
            f"make it smaller, or give more by --images."
        )
    starts = range(0, count, batch_size)
    batches = [tf.constant(images[start : start + batch_size]) for start in starts]
    masked = trace.batched(source.model, source.input_format, form, execution.dense)
    with tempfile.TemporaryDirectory() as folder:
        copy = dataclasses.replace(source, folder=pathlib.Path(folder))
        path, _ = saved_model.export(copy, form, images[:batch_size])
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


def table(content):
    """Returns what `measure` returned as a table for people."""
    lines = [f"{'':12}{'images/s':>10}"]
    lines += [f"{n:12}{s:10.1f}" for n, s in content["images_per_s"].items()]
    low, high = content["ratio_quartiles"]
    lines.append(
        f"\n{content['source']}, T={content['threshold']}, {content['examples']} "
        f"images in batches of {content['batch_size']}: the SavedModel is "
        f"{content['ratio']:.2f} times as fast as masked (median of "
        f"{content['rounds']} rounds; quartiles {low:.2f} to {high:.2f})"
    )
    return "\n".join(lines)


def main():
    """Runs the command on the flags."""
    source = sources.from_command()
    form = sources.form_from_flags(source)
    images, _ = source.test_images(FLAGS.images)
    content = measure(source, form, images, FLAGS.batches_of, FLAGS.rounds)
    if FLAGS.json:
        commands.print_json(content)
    else:
        print(table(content))


if __name__ == "__main__":
    sources.define()
    for name in ("run_dir", "threshold"):  # So that --help lists them.
        flags.declare_key_flag(name)
    flags.DEFINE_integer("batches_of", 256, "Images at once.", lower_bound=1)
    flags.DEFINE_integer("images", 2560, "How many test images.", lower_bound=1)
    flags.DEFINE_integer("rounds", 10, "How often each form is timed.", lower_bound=2)
    commands.define_json()
    commands.run(main)
