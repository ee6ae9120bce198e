"""Trains a network: `python -m tfdyn.train --flagfile=configs/quickstart.flags`."""

import sys

from absl import flags

from tfdyn import commands
from tfdyn.families.settings import Settings
from tfdyn.settings import fields

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    settings = fields.from_flags(Settings)
    run(settings, f"{settings.network}_{settings.dataset}")


def run(settings: Settings, name: str) -> None:
    """Trains a network, and evaluates it.

    Args:
        settings: `Settings` of the run.
        name: Name of its folder in runs/, if there is neither a flagfile nor
            `--run_dir`.
    """
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.evaluation import reports
    from tfdyn.evaluation.evaluate_run import evaluate
    from tfdyn.training.distribution import Distribution, WorkerLostError
    from tfdyn.training.trainer import train

    distribution = Distribution(FLAGS.strategy)
    run_dir = FLAGS.run_dir or f"runs/{commands.flagfile_name() or name}"
    try:
        run = train(settings, run_dir, distribution=distribution)
    except WorkerLostError as error:
        print(f"{error}. Starting again, to resume with all workers", file=sys.stderr)
        commands.start_again()
    if FLAGS.evaluate and distribution.is_chief:
        content = evaluate(run.path)
        print(f"wrote {run}/evaluation.json and evaluation.png\n")
        print(reports.table(content, run))


def define_flags(folder: str) -> None:
    """Defines the flags of a training.

    Args:
        folder: What `--run_dir` is by default, for `--help`.
    """
    fields.define_flags(Settings)
    commands.define_run_dir(f"Run folder (default: {folder}).")
    commands.define_strategy()
    flags.DEFINE_bool("evaluate", True, "Evaluate on the test images at the end.")
    for module in (fields, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)


INTERRUPTED = "interrupted: the same command resumes after the last complete epoch"

if __name__ == "__main__":
    define_flags("runs/FLAGFILE, or runs/NETWORK_DATASET without one")
    commands.run(main, INTERRUPTED)
