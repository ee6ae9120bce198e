"""Flags of the export commands: what is exported, in what form, and for what goal."""

import dataclasses
import pathlib
from typing import TYPE_CHECKING

from absl import flags, logging

from export.graph.form import Form
from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.files import check_output
from tfdyn.routing.threshold import threshold_from_flag, threshold_per_mixed_op
from tfdyn.settings import fields

if TYPE_CHECKING:
    from export.source import Source

FLAGS = flags.FLAGS
# Settings of a training that name what is exported.
ALWAYS_READ = ("data_dir", "operating_point")
# Settings of a training that some commands read for a run too.
SOMETIMES_READ = ("threshold", "cost_table", "target_rate", "batch_size")


def define_source() -> None:
    """Defines the flags that name the network: a run, or settings if untrained."""
    fields.define_flags(Settings)
    commands.define_run_dir("Run folder to export (default: the newest in runs/).")
    flags.DEFINE_bool(
        "untrained",
        False,
        "Use the network that --flagfile or the settings describe, with random "
        "weights: to measure time, not to classify.",
    )
    for name in ("data_dir", "operating_point"):  # So that --help lists them.
        flags.declare_key_flag(name)


def define_form() -> None:
    """Defines the flags that say what the exported graph takes and does."""
    flags.DEFINE_string(
        "export_dir",
        None,
        "Folder for the exported files (default: export/ in the run's folder).",
    )
    flags.DEFINE_bool("threshold_input", False, "Make T a second input, a scalar.")
    flags.DEFINE_bool(
        "preprocess",
        True,
        "Take uint8 images and normalise them inside. With --nopreprocess the graph "
        "takes normalised float32 images.",
    )
    flags.DEFINE_integer(
        "check_images",
        256,
        "Number of test images on which the file is compared with Keras.",
        lower_bound=1,
    )
    flags.declare_key_flag("threshold")


def define_int8_io(needs_precision: bool = True) -> None:
    """Defines `--int8_io`.

    Args:
        needs_precision: Whether it needs `--precision=int8`, which not all commands
            have.
    """
    flags.DEFINE_bool(
        "int8_io",
        False,
        "Take the image as int8, pixel less 128, and return logits and probabilities "
        "as int8 with a scale and a zero point."
        + (" It needs --precision=int8." if needs_precision else ""),
    )


def refuse_int8_io() -> None:
    """Refuses `--int8_io` beside flags that it does not fit.

    Raises:
        UserError: If it is set with another precision, or with `--nopreprocess`.
    """
    if FLAGS.int8_io and FLAGS.precision != "int8":
        raise UserError(
            f"--int8_io is for --precision=int8; got --precision={FLAGS.precision}. "
            f"Add --precision=int8, or leave out --int8_io."
        )
    if FLAGS.int8_io and not FLAGS.preprocess:
        raise UserError(
            "--int8_io takes pixels less 128, and --nopreprocess normalised images. "
            "Leave one of the two out."
        )


def source_from_flags(reads: tuple[str, ...] = ()) -> "Source":
    """Returns the `Source` that the flags name: by default the newest run.

    Args:
        reads: Names of training settings that this command uses for its own purpose,
            and therefore accepts beside a trained run. All accept `ALWAYS_READ`.

    Raises:
        UserError: If flags exclude each other, a flagfile is named without a run and
            without `--untrained`, or a flag means nothing for a trained run.
    """
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from export import source as sources
    from tfdyn.runs.finished import newest_run

    name = commands.flagfile_name()
    folder = FLAGS["export_dir"].value if "export_dir" in FLAGS else None
    point = FLAGS.operating_point if asked("operating_point") else None
    if FLAGS.untrained:
        if FLAGS.run_dir or point:
            other = "--run_dir" if FLAGS.run_dir else "--operating_point"
            raise UserError(
                f"--untrained and {other} exclude each other: a run is trained. Leave "
                f"one of them out."
            )
        settings = fields.from_flags(Settings)
        source = sources.untrained(settings, name or settings.network, folder)
        logging.warning(
            "UNTRAINED: %s has random weights. It shows time and size; its classes "
            "mean nothing.",
            source.model.name,
        )
        return source
    refuse_settings(reads)
    run_dir = FLAGS.run_dir or newest_run().path
    return sources.from_run(run_dir, folder, FLAGS.data_dir, point)


def refuse_settings(reads: tuple[str, ...]) -> None:
    """Refuses the settings of a training for a finished run, which has its own.

    Args:
        reads: As in `source_from_flags`.

    Raises:
        UserError: If such a setting is in a flag or in a flagfile.
    """
    if FLAGS.untrained:
        return
    flagfile = commands.flagfile_name()
    names = [field.name for field in dataclasses.fields(Settings)]
    for name in names:
        if not FLAGS[name].present or name in (*ALWAYS_READ, *reads):
            continue
        if flagfile and not FLAGS.run_dir:
            raise UserError(
                f"--flagfile names the network {flagfile}, but no run. Name a trained "
                f"run with --run_dir=runs/NAME, or add --untrained to use random "
                f"weights."
            )
        if name in SOMETIMES_READ:
            raise UserError(
                f"--{name} has no effect on this command for a trained run; leave it "
                f"out."
            )
        source = "" if commands.typed(name) else f" (it is in --flagfile={flagfile})"
        raise UserError(
            f"--{name} is a setting of a training, and the run was trained already; "
            f"leave it out{source}."
        )


def asked(name: str) -> bool:
    """Returns whether the user set a training's setting for this command.

    With `--untrained` the settings in a flagfile describe the training.

    Args:
        name: Name of the flag.
    """
    return commands.typed(name) if FLAGS.untrained else FLAGS[name].present


def form_from_flags(source: "Source", variant: str = "routed") -> Form:
    """Returns the `Form` that the flags ask for.

    Args:
        source: `Source` of the network.
        variant: Variant of the graph, one of `export.graph.form.VARIANTS`.

    Raises:
        UserError: If a flag does not fit the variant, T is not in (0, 1], or
            `--threshold` holds more or fewer numbers than there are MixedOps.
    """
    return Form(
        variant,
        threshold_from_flags(source),
        FLAGS.threshold_input,
        FLAGS.preprocess,
        int8_io="int8_io" in FLAGS and FLAGS.int8_io,
    )


def threshold_from_flags(source: "Source") -> float | list[float]:
    """Returns `--threshold`, or by default the T of the network itself.

    Args:
        source: `Source` of the network.

    Raises:
        UserError: If a number is not in (0, 1], or there are more or fewer numbers than
            MixedOps.
    """
    if not FLAGS["threshold"].present:
        return source.model.threshold
    threshold = threshold_from_flag(FLAGS.threshold)
    try:
        threshold_per_mixed_op(threshold, len(source.model.mixed_ops))
    except UserError as error:
        raise UserError(f"--threshold: {error}") from error
    return threshold


def define_goals() -> None:
    """Defines `--budget_ms` and `--target_rate`, by which T may be chosen."""
    commands.define_goals(
        "Exports with the largest T that meets it on the validation images. "
        "--cost_table predicts milliseconds (default: the run's own latency table)."
    )
    for name in ("cost_table", "target_rate"):  # So that --help lists them.
        flags.declare_key_flag(name)


def goal_from_flags() -> tuple | None:
    """Returns the `Goal` that the flags name and its limit, or `None`.

    Raises:
        UserError: If there are several goals or limits, or `--threshold` is set too, or
            `--cost_table` is set without a budget.
    """
    from tfdyn.evaluation.thresholds import BUDGET_MS, TARGET_RATE  # Heavy.

    goals = []
    if FLAGS.budget_ms:
        goals.append((BUDGET_MS, commands.only_number("budget_ms")))
    if asked("target_rate"):
        goals.append((TARGET_RATE, FLAGS.target_rate))
    if asked("cost_table") and not FLAGS.budget_ms:
        raise UserError(
            "--cost_table predicts the milliseconds for --budget_ms; add --budget_ms, "
            "or leave it out."
        )
    if goals and asked("threshold"):
        raise UserError(
            f"--{goals[0][0].name} finds the threshold; leave out --threshold."
        )
    if len(goals) > 1:
        raise UserError(
            "--budget_ms and --target_rate exclude each other; leave one of them out."
        )
    return goals[0] if goals else None


def define_latency_table() -> None:
    """Defines `--latency_table`, which decides which gates are left out."""
    flags.DEFINE_string(
        "latency_table",
        None,
        "Latency table that export.latency wrote. Gates that by this table cost more "
        "time than they save are left out.",
    )


def define_output(help: str) -> None:
    """Defines `--output`, a JSON file to write; `help` describes the default path."""
    flags.DEFINE_string("output", None, f"JSON file to write (default: {help}).")


def output_from_flags(default, keys: tuple[str, ...]) -> pathlib.Path:
    """Returns the path of the JSON file to write, and creates its folder.

    Args:
        default: Path of the file, if `--output` is not given.
        keys: Names at the begin of every file that the command writes. Another file is
            not replaced.

    Raises:
        UserError: If `--output` is a folder, does not end with .json, or another file
            is there.
        OSError: If its folder cannot be written to.
    """
    return check_output(
        "output",
        FLAGS.output or default,
        ".json",
        lambda text: all(f'"{key}":' in text for key in keys),
    )
