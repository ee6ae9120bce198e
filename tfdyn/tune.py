"""Searches for settings: `python -m tfdyn.tune --flagfile=… --space=FILE`."""

import sys

from absl import flags

from tfdyn import commands
from tfdyn.families.settings import Settings
from tfdyn.settings import fields

FLAGS = flags.FLAGS
TUNERS = ("random", "bayesian", "hyperband", "grid")


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.training.distribution import WorkerLostError
    from tfdyn.tuning import report
    from tfdyn.tuning.search import search

    settings = fields.from_flags(Settings)
    name = commands.flagfile_name() or f"{settings.network}_{settings.dataset}"
    folder = FLAGS.search_dir or f"searches/{name}"
    try:
        content = search(
            settings,
            FLAGS.space,
            folder,
            FLAGS.objective,
            FLAGS.tuner,
            FLAGS.max_trials,
            FLAGS.thresholds,
            FLAGS.latency_table,
            FLAGS.beside,
            FLAGS.strategy,
        )
    except WorkerLostError as error:
        print(f"{error}. Starting again, to resume with all workers", file=sys.stderr)
        commands.start_again()
    if content:
        written = "results.json, frontier.png, best/ and best.flags"
        text = f"{report.table(content)}\n\n{report.best_line(content['best'])}"
        commands.report(content, f"{text}\nwrote {written} in {folder}")


if __name__ == "__main__":
    fields.define_flags(Settings)
    flags.DEFINE_string(
        "space",
        None,
        "File of the settings to search, a line for each; see configs/spaces/.",
        required=True,
    )
    flags.DEFINE_list(
        "objective",
        ["hypervolume"],
        "What the search raises, on the validation images. accuracy@23M: accuracy "
        "within 23 M MACs an image. accuracy@0.7ms: within 0.7 ms by --latency_table. "
        "hypervolume: area under the frontier, up to the MACs of all branches of the "
        "flagfile's network; hypervolume@40M, hypervolume@1ms: up to another cost. "
        "Several, with commas: their sum.",
    )
    flags.DEFINE_enum("tuner", "bayesian", TUNERS, "Which search of keras-tuner.")
    flags.DEFINE_integer(
        "max_trials",
        12,
        "Largest number of trials. Each rung of hyperband is one.",
        lower_bound=1,
    )
    flags.DEFINE_string(
        "search_dir", None, "Folder of the search (default: searches/FLAGFILE)."
    )
    flags.DEFINE_list(
        "thresholds",
        ["0.5", "0.7", "0.8", "0.9", "1"],
        "Values of T at which each trial is evaluated, with commas.",
    )
    flags.DEFINE_string(
        "latency_table",
        None,
        "Latency table for objectives in ms (default: --cost_table, if it is in ms).",
    )
    flags.DEFINE_string(
        "beside", None, "Run folder whose points are shown beside the frontier."
    )
    commands.define_strategy()
    commands.define_json()
    for module in (fields, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main, "interrupted: the same command resumes the search")
