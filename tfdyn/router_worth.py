"""Measures what a router is worth: `python -m tfdyn.router_worth --run_dir=…`."""

from absl import flags

from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.routing.threshold import check_threshold

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.evaluation import spread, worth_report
    from tfdyn.evaluation.comparison import check_thresholds, prepare
    from tfdyn.evaluation.runs_title import runs_title
    from tfdyn.evaluation.worth_of_run import measure
    from tfdyn.runs.finished import newest_run

    try:
        thresholds = check_threshold(FLAGS.thresholds) if FLAGS.thresholds else None
    except UserError as error:
        raise UserError(f"--thresholds: {error}") from error
    if FLAGS.run_dirs and FLAGS.run_dir:
        raise UserError("--run_dir is for one run; leave out --run_dirs.")
    if FLAGS.run_dirs and FLAGS.static_twin:
        raise UserError("--static_twin is for one run; leave out --run_dirs.")
    run_dirs = FLAGS.run_dirs or [FLAGS.run_dir or newest_run().path]
    settings = spread.check_runs(run_dirs) if FLAGS.run_dirs else {}
    comparisons = [
        prepare(run_dir, thresholds, FLAGS.cost_table, FLAGS.static_twin)
        for run_dir in run_dirs
    ]
    check_thresholds(comparisons)
    contents = []
    for comparison in comparisons:
        contents.append(
            measure(comparison, FLAGS.routes, FLAGS.data_dir, FLAGS.batch_size)
        )
        path = comparison.run / worth_report.NAME
        commands.say(f"wrote {path}.json and .png\n")
    if len(contents) == 1:
        commands.report(contents[0], worth_report.table(contents[0], str(run_dirs[0])))
        return
    mean = worth_report.mean_of(contents)
    commands.report(mean, worth_report.table(mean, runs_title(list(settings.values()))))


if __name__ == "__main__":
    commands.define_run_dir("Run folder (default: the newest in runs/).")
    flags.DEFINE_list(
        "run_dirs",
        None,
        "Several run folders, with commas, such as runs of other seeds. Measures each "
        "and prints mean and standard deviation.",
    )
    flags.DEFINE_list(
        "thresholds", None, "Values of T, with commas (default: that of the training)."
    )
    flags.DEFINE_integer(
        "routes",
        128,
        "Largest number of fixed routes that are tried on the validation images. Each "
        "takes as long as an evaluation of them.",
        lower_bound=2,
    )
    flags.DEFINE_string(
        "static_twin",
        None,
        "Run folder of a network without a router to compare with, of the same data: "
        "trained with --selection=none, or with a --codebook of one route.",
    )
    commands.define_passes()
    commands.define_json()
    flags.adopt_module_key_flags(commands)  # So that --help lists them.
    commands.run(main)
