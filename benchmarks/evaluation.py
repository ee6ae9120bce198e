"""Evaluation: branches dispatched to the images that chose them, or masked.

`python -m benchmarks.evaluation --run_dir=pretrained/drnet_xs_cifar10`
"""

import json
import statistics

import tensorflow as tf
from absl import flags

from benchmarks import timing
from tfdyn import commands
from tfdyn.data.dataset import load
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.layers import execution
from tfdyn.runs.run_folder import RunFolder, newest_run
from tfdyn.text import align

FLAGS = flags.FLAGS
FORMS = ("dispatched", "masked")


def make_pass(run_dir, form, threshold, batches):
    """Returns a function of nothing that evaluates a run.

    Args:
        run_dir: Folder of a finished run.
        form: "dispatched", or "masked": all branches run, those not chosen times 0.
        threshold: T.
        batches: List of batches of images and labels.
    """
    by = {"dispatched": execution.dispatched, "masked": execution.dense}[form]
    evaluator = Evaluator(RunFolder(run_dir).load_model(), by=by)
    return lambda: evaluator(batches, threshold)


def load_batches(run_dir, batch_size, images):
    """Returns a list of batches of the run's test set, at most so many images."""
    settings = RunFolder(run_dir).settings()
    dataset = load(settings.dataset, settings.data_dir, settings.image_size)
    return list(dataset.batches("test", batch_size).take(-(-images // batch_size)))


def random_batches(run_dir, batch_size):
    """Returns a list of one batch: memory is measured with no data set in it."""
    shape = RunFolder(run_dir).input_format().shape
    images = tf.random.stateless_normal((batch_size, *shape), (0, 0))
    return [(images, tf.zeros((batch_size,), tf.int32))]


def measure(run_dir, threshold, batch_size, images, rounds):
    """Returns images a second and peak memory of both forms, and their ratio."""
    arguments = {"run_dir": run_dir, "threshold": threshold, "batch_size": batch_size}
    flagfile = [f"--{name}={value}" for name, value in arguments.items()]
    forms = {}
    for form in FORMS:  # First: this process is small still.
        _, forms[form] = timing.in_a_process(
            "benchmarks.evaluation", f"--form={form}", *flagfile
        )
    batches = load_batches(run_dir, batch_size, images)
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
    """Returns what `measure` returned as text."""
    rows = [["", "images/s", "accuracy", "memory"]]
    for form, row in content["forms"].items():
        speed, memory = (
            f"{row['images_per_s']:.1f}",
            f"{row['peak_memory_mib']:.0f} MiB",
        )
        rows.append([form, speed, f"{100 * row['accuracy']:.2f} %", memory])
    low, high = content["ratio_quartiles"]
    return (
        f"{align(rows)}\n\n{content['run']}, T={content['threshold']:g}, batches of "
        f"{content['batch_size']}: dispatched is {content['ratio']:.2f} times as fast "
        f"as masked (median of {content['rounds']} rounds; quartiles {low:.2f} to "
        f"{high:.2f})"
    )


def main():
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
    flags.DEFINE_list("threshold", ["0.8"], "T, one number.")
    flags.DEFINE_integer("batch_size", 250, "Images at once.")
    flags.DEFINE_integer("images", 2000, "How many test images, at most.")
    flags.DEFINE_integer("rounds", 10, "How often each form is timed.")
    flags.DEFINE_enum("form", None, FORMS, "Measure this form's memory alone.")
    commands.define_json()
    commands.run(main)
