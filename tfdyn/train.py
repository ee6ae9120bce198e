"""Trains a network: `python -m tfdyn.train --flagfile=configs/quickstart.flags`."""

import sys

from absl import flags

from tfdyn import commands
from tfdyn.families.settings import Settings
from tfdyn.settings import fields

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.evaluation import reports
    from tfdyn.evaluation.evaluate_run import evaluate
    from tfdyn.training.distribution import Distribution, WorkerLostError
    from tfdyn.training.trainer import train

    settings = fields.from_flags(Settings)
    name = commands.flagfile_name() or f"{settings.network}_{settings.dataset}"
    distribution = Distribution(FLAGS.strategy)
    run_dir = FLAGS.run_dir or f"runs/{name}"
    try:
        run = train(settings, run_dir, distribution=distribution)
    except WorkerLostError as error:
        print(f"{error}. Starting again, to resume with all workers", file=sys.stderr)
        commands.start_again()
    if FLAGS.evaluate and distribution.is_chief:
        content = evaluate(run.path)
        print(f"wrote {run}/evaluation.json and evaluation.png\n")
        print(reports.table(content, run))


if __name__ == "__main__":
    fields.define_flags(Settings)
    commands.define_run_dir(
        "Run folder (default: runs/FLAGFILE, or runs/NETWORK_DATASET without one)."
    )
    commands.define_strategy()
    flags.DEFINE_bool("evaluate", True, "Evaluate on the test images at the end.")
    for module in (fields, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(
        main, "interrupted: the same command resumes after the last complete epoch"
    )
