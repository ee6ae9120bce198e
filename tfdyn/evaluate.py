"""Evaluates a run on its test images: `python -m tfdyn.evaluate --run_dir=…`."""

from absl import flags

from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.files import check_output
from tfdyn.routing.threshold import check_threshold

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.evaluation import reports, spread
    from tfdyn.runs.finished import newest_run

    _check_flags()
    if not FLAGS.run_dirs:
        run_dir = FLAGS.run_dir or newest_run().path
        content = _evaluate(run_dir)
        commands.report(content, reports.table(content, run_dir))
        return
    settings = spread.check_runs(FLAGS.run_dirs)
    content = spread.spread({path: _evaluate(path) for path in settings})
    commands.report(content, spread.table(content, settings))


def _check_flags():
    """Refuses, before anything is evaluated, what cannot be written or read."""
    from tfdyn.evaluation.image_table import COLUMNS

    try:
        check_threshold(FLAGS.thresholds or [1])
    except UserError as error:
        raise UserError(f"--thresholds: {error}") from error
    if FLAGS.per_image:
        start = ",".join(COLUMNS)
        check_output(
            "per_image", FLAGS.per_image, ".csv", lambda text: text.startswith(start)
        )
    for name in ("run_dir", "per_image"):
        if FLAGS.run_dirs and FLAGS[name].present:
            raise UserError(f"--{name} is for one run; leave out --run_dirs.")


def _evaluate(run_dir):
    from tfdyn.evaluation.evaluate_run import evaluate

    content = evaluate(
        run_dir,
        FLAGS.thresholds,
        FLAGS.batch_size,
        f"{FLAGS.weights}.keras",
        FLAGS.data_dir,
        FLAGS.cost_table,
        FLAGS.budget_ms or (),
        FLAGS.categories,
        FLAGS.target_rate or (),
        FLAGS.per_image,
        FLAGS.inference_noise,
        FLAGS.inference_temperature,
        FLAGS.least_accuracy or (),
    )
    written = [f"{run_dir}/evaluation.json", "evaluation.png"]
    written += [FLAGS.per_image] if FLAGS.per_image else []
    commands.say(f"wrote {', '.join(written)}\n")
    return content


if __name__ == "__main__":
    commands.define_run_dir("Run folder (default: the newest in runs/).")
    flags.DEFINE_list(
        "run_dirs",
        None,
        "Several run folders, with commas, such as runs of other seeds. Evaluates each "
        "and prints mean and standard deviation.",
    )
    flags.DEFINE_string(
        "per_image",
        None,
        "CSV file to write too: for each test image and T its class, the prediction, "
        "its confidence, its cost and its route.",
    )
    flags.DEFINE_list(
        "thresholds",
        None,
        "Values of T, with commas (default: 0.5,0.7,0.8,0.9,1 and that of the run).",
    )
    flags.DEFINE_integer("batch_size", 250, "Images in a batch.", 1, 65536)
    flags.DEFINE_enum(
        "weights",
        "model",
        ["model", "best"],
        "model: weights at the end of the training. best: weights of the best epoch of "
        "the last stage, on the validation images.",
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of the data, if they have moved since the training."
    )
    flags.DEFINE_string(
        "cost_table",
        None,
        "Cost table whose costs are reported too (default: the run's latency table).",
    )
    commands.define_goals(
        "Adds a row at the largest T whose mean on the validation images stays within "
        "the limit. One number, or several with commas."
    )
    flags.DEFINE_list(
        "least_accuracy",
        None,
        "Adds a row at the smallest T whose accuracy on the validation images is at "
        "least this, from 0 to 1. One number, or several with commas.",
    )
    flags.DEFINE_string(
        "categories",
        None,
        "Categories of classes, to report how often each branch runs for them: none, "
        "cifar10, cifar100, imagenet or a JSON file (default: those of the training).",
    )
    flags.DEFINE_bool(
        "inference_noise",
        False,
        "DRNet: routers have the Gumbel noise of the training, at every T the same.",
    )
    flags.DEFINE_float(
        "inference_temperature",
        None,
        "DRNet: temperature of the routers' softmax (default: that of the training's "
        "last epoch).",
    )
    commands.define_json()
    flags.adopt_module_key_flags(commands)  # So that --help lists them.
    commands.run(main)
