"""Shows runs in pictures, as one HTML file: `python -m tfdyn.report --run_dir=…`."""

from absl import flags

from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.routing.threshold import threshold_from_flag

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.reporting.report import report
    from tfdyn.runs.finished import newest_run

    if FLAGS.run_dirs and FLAGS.run_dir:
        raise UserError("--run_dir is for one run; leave out --run_dirs.")
    try:
        threshold = threshold_from_flag(FLAGS.threshold) if FLAGS.threshold else None
    except UserError as error:
        raise UserError(f"--threshold: {error}") from error
    content = report(
        FLAGS.run_dirs or [FLAGS.run_dir or newest_run().path],
        FLAGS.output,
        FLAGS.peers or (),
        threshold,
        FLAGS.data_dir,
        FLAGS.cost_table,
        FLAGS.categories,
        FLAGS.batch_size,
    )
    commands.report(content, f"wrote {content['report']}")


if __name__ == "__main__":
    commands.define_run_dir("Run folder (default: the newest in runs/).")
    flags.DEFINE_list(
        "run_dirs", None, "Several run folders, with commas, to be shown side by side."
    )
    flags.DEFINE_list(
        "peers",
        None,
        "Run folders of static networks, with commas, whose accuracy and cost are "
        "drawn too. They must have been evaluated.",
    )
    flags.DEFINE_string(
        "output",
        None,
        "Folder to write: report.html and its pictures (default: report/ in the run "
        "folder).",
    )
    flags.DEFINE_list(
        "threshold",
        None,
        "T of the pictures, from 0 to 1: one number, or one for each connection with "
        "commas (default: that of the run's evaluation).",
    )
    flags.DEFINE_string(
        "categories",
        None,
        "Categories of classes, to show how often each branch runs for them: none, "
        "cifar10, cifar100, imagenet or a JSON file (default: those of the training).",
    )
    commands.define_passes("the run's latency table; MACs if it has none")
    commands.define_json()
    flags.adopt_module_key_flags(commands)  # So that --help lists them.
    commands.run(main)
