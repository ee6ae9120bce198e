"""Compares two ways to evaluate a run: dispatched branches, and masked branches.

`python -m benchmarks.evaluation --run_dir=pretrained/drnet_xs_cifar10`

Dispatched: each branch runs only on the images of the batch that chose it. Masked: all
branches run on all images, and the outputs that an image did not choose are multiplied
by 0.
"""

import json
import pathlib
import statistics
from collections.abc import Callable

import tensorflow as tf
from absl import flags

from benchmarks import timing
from tfdyn import commands
from tfdyn.data.dataset import load
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.layers import execution
from tfdyn.runs.finished import newest_run
from tfdyn.runs.run_folder import RunFolder
from tfdyn.text import align

FLAGS = flags.FLAGS
FORMS = ("dispatched", "masked")


def make_pass(
    run_dir: str | pathlib.Path, form: str, threshold: float, batches: list
) -> Callable[[], dict]:
    """Returns a function without arguments that evaluates a run once.

    Args:
        run_dir: Folder of a finished run.
        form: "dispatched" or "masked".
        threshold: T.
        batches: List of batches: normalised images `(batch, height, width, channels)`
            and labels `(batch,)`.

    Raises:
        UserError: If the folder is not a finished run.
    """
    by = {"dispatched": execution.dispatched, "masked": execution.dense}[form]
    evaluator = Evaluator(RunFolder(run_dir).load_model(), by=by)
    return lambda: evaluator(batches, threshold)


def load_batches(
    run_dir: str | pathlib.Path, batch_size: int, num_images: int
) -> list[tuple]:
    """Loads batches of the test images that belong to a run.

    Args:
        run_dir: Folder of a finished run.
        batch_size: Number of images in a batch.
        num_images: Number of images, rounded up to whole batches.

    Returns:
        A list of batches of images and labels. It ends early if there are fewer images.

    Raises:
        UserError: If the run's data are missing.
    """
    settings = RunFolder(run_dir).settings()
    dataset = load(settings.dataset, settings.data_dir, settings.image_size)
    with dataset.explain_broken():
        batches = dataset.batches("test", batch_size)
        return list(batches.take(-(-num_images // batch_size)))


def random_batches(run_dir: str | pathlib.Path, batch_size: int) -> list[tuple]:
    """Draws one batch of random images, to measure memory without that of a data set.

    Args:
        run_dir: Folder of a finished run, whose images have the same shape.
        batch_size: Number of images.

    Returns:
        A list of one batch of images and labels.
    """
    shape = RunFolder(run_dir).input_format().shape
    images = tf.random.stateless_normal((batch_size, *shape), (0, 0))
    return [(images, tf.zeros((batch_size,), tf.int32))]


def measure(
    run_dir: str | pathlib.Path,
    threshold: float,
    batch_size: int,
    num_images: int,
    rounds: int,
) -> dict:
    """Measures the speed and the memory of both forms of evaluation.

    Args:
        run_dir: Folder of a finished run.
        threshold: T.
        batch_size: Number of images in a batch.
        num_images: Number of test images, rounded up to whole batches.
        rounds: Number of times that each form is timed.

    Returns:
        A dict ready for JSON: the settings; `macs_mean`, the mean MACs an image; under
        `forms`, for each form, `peak_memory_mib`, `images_per_s` and `accuracy`; and
        `ratio`, the time of masked divided by that of dispatched, with its quartiles.

    Raises:
        UserError: If the folder is not a finished run, or its data are missing.
    """
    values = {"run_dir": run_dir, "threshold": threshold, "batch_size": batch_size}
    arguments = [f"--{name}={value}" for name, value in values.items()]
    forms = {}
    for form in FORMS:  # First, while this process is still small.
        _, forms[form] = timing.in_a_process(
            "benchmarks.evaluation", f"--form={form}", *arguments
        )
    batches = load_batches(run_dir, batch_size, num_images)
    passes = {form: make_pass(run_dir, form, threshold, batches) for form in FORMS}
    results = {form: passes[form]() for form in FORMS}
    seconds = timing.alternate(passes, rounds)
    examples = results["masked"]["examples"]
    for form, row in forms.items():
        row["images_per_s"] = examples / statistics.median(seconds[form])
        row["accuracy"] = results[form]["accuracy"]
    return {
        "run": str(run_dir),
        "threshold": threshold,
        "examples": int(examples),
        "batch_size": batch_size,
        "macs_mean": results["masked"]["macs_mean"],
        "forms": forms,
        **timing.comparison(seconds["masked"], seconds["dispatched"]),
    }


def table(content: dict) -> str:
    """Returns the results of `measure` as text.

    Args:
        content: What `measure` returned.
    """
    rows = [["", "images/s", "accuracy", "memory"]]
    for form, row in content["forms"].items():
        accuracy = f"{100 * row['accuracy']:.2f} %"
        memory = f"{row['peak_memory_mib']:.0f} MiB"
        rows.append([form, f"{row['images_per_s']:.1f}", accuracy, memory])
    low, high = content["ratio_quartiles"]
    return (
        f"{align(rows)}\n\n{content['run']}, T={content['threshold']:g}, batches of "
        f"{content['batch_size']}: dispatched is {content['ratio']:.2f} times as fast "
        f"as masked (median of {content['rounds']} rounds; quartiles {low:.2f} to "
        f"{high:.2f})"
    )


def main() -> None:
    """Runs the command on the flags."""
    run_dir = FLAGS.run_dir or newest_run().path
    if FLAGS.form:
        batches = random_batches(run_dir, FLAGS.batch_size)
        make_pass(run_dir, FLAGS.form, commands.only_number("threshold"), batches)()
        print(json.dumps({"peak_memory_mib": timing.peak_memory()}))
        return
    content = measure(
        run_dir,
        commands.only_number("threshold"),
        FLAGS.batch_size,
        FLAGS.images,
        FLAGS.rounds,
    )
    commands.report(content, table(content))


if __name__ == "__main__":
    flags.DEFINE_string("run_dir", None, "Run folder (default: the newest in runs/).")
    flags.DEFINE_list("threshold", ["0.8"], "T, one number above 0 and at most 1.")
    flags.DEFINE_integer(
        "batch_size", 250, "Number of images in a batch.", lower_bound=1
    )
    flags.DEFINE_integer(
        "images", 2000, "Number of test images, rounded up to whole batches."
    )
    flags.DEFINE_integer(
        "rounds", 10, "Number of times that each form is timed.", lower_bound=2
    )
    flags.DEFINE_enum("form", None, FORMS, "Measure only the memory of this form.")
    commands.define_json()
    commands.run(main)
