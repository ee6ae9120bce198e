"""Commands: errors of one line, flags and JSON output that all commands share."""

import io
import os
import pathlib
import re
import sys
from collections.abc import Callable

from absl import app, flags, logging

from tfdyn import interrupts, output
from tfdyn.errors import UserError, explain
from tfdyn.files import to_json
from tfdyn.settings import flagfiles
from tfdyn.text import is_line

FLAGS = flags.FLAGS
# Flags that name a file or folder which a command reads or writes. (The paths among the
# settings of a training are kept as they are.)
PATHS = (
    "run_dir",
    "run_dirs",
    "peers",
    "emulator_dir",
    "export_dir",
    "output",
    "per_image",
    "model",
    "latency_table",
    "route",
    "image",
    "static_twin",
    "space",
    "search_dir",
    "beside",
    "litert_js",
)
# Largest whole number of a flag: more fits no tensor of shapes or seeds.
LARGEST = 2**32
# End of absl's words on a flag that must be given.
MISSING = "must have a value other than None."
BUG = (
    "This is a bug in tfdyn or in a package that it uses, not an error in your input. "
    "Please report it, with the lines above and the command."
)


def run(
    main: Callable,
    interrupted: str = "interrupted",
    arguments: bool = False,
    tensorflow: bool = True,
) -> None:
    """Parses the flags and runs a command's `main`.

    An error that a user can mend is printed in one line: a `UserError`, or an error of
    the operating system (files, disks, devices). Any other error keeps its trace.

    Args:
        main: Function without arguments. With `arguments` it takes a list of the words
            of the command that are not flags.
        interrupted: Text to print when the user interrupts the command.
        arguments: Whether words that are not flags are allowed.
        tensorflow: Whether to import TensorFlow before `main`, which takes seconds.
    """

    def guarded(argv):
        if len(argv) > 1 and not arguments:
            sys.exit(
                f"error: Unknown argument {argv[1]!r}; pass a setting as --name=value, "
                f"a file of settings as --flagfile=FILE."
            )
        # Consoles that are not UTF-8 cannot print every name of a file or class.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        if not FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)
        # Messages without time, process and line of code, because people read them.
        logging.get_absl_handler().setFormatter(None)
        try:
            if tensorflow:
                output.start_tensorflow()
            interrupts.raise_as_usual()
            main(argv[1:]) if arguments else main()
        except KeyboardInterrupt as error:
            print(_with_notes(f"\n{interrupted}", error), file=sys.stderr)
            sys.exit(130)
        except Exception as error:
            line = explain(error)
            if line is None:
                error.add_note(BUG)
                raise
            logging.debug("Where it was raised:", exc_info=True)
            sys.exit(_with_notes(f"error: {line}", error))

    app.run(guarded, flags_parser=parse)


def parse(argv: list[str]) -> list[str]:
    """Parses the flags. For a wrong flag, prints one line and exits.

    Args:
        argv: Words of the command.

    Returns:
        The words that are not flags.
    """
    try:
        words = FLAGS([argv[0], *flagfiles.expand(argv[1:])])
        _check_values()
        return words
    except (flags.Error, UserError, OSError) as error:
        line = explain(error) or error
        name = re.match(r"flag --(\w+)=", str(line))  # Of a wrong value.
        name = name[1] if name else getattr(error, "flagname", None)  # Or unknown.
        if name in FLAGS and str(line).endswith(MISSING):
            sys.exit(f"error: --{name} is missing. It is: {FLAGS[name].help}")
        if name and not typed(name, argv):
            line = (
                f"{line}, in --flagfile={flagfile_name(argv)}: a line there is "
                f"--name=value, without quotes, and with nothing after it"
            )
        sys.exit(f"error: {line} (--help lists the flags)")


def _check_values():
    """Refuses flags without a value, such as `--data_dir=$UNSET`, and vast numbers."""
    for name in FLAGS:
        value = FLAGS[name].value
        if name in PATHS and value:
            if isinstance(value, list):
                FLAGS[name].value = [_check_path(name, path) for path in value]
            else:
                FLAGS[name].value = _check_path(name, value)
        if isinstance(value, int) and abs(value) > LARGEST:
            raise UserError(f"--{name}={value} is too large: give a smaller number.")
        if FLAGS[name].present and value in ("", []) and value != FLAGS[name].default:
            raise UserError(
                f"--{name}= has no value: write --{name}=VALUE, or leave it out."
            )


def _check_path(name, path):
    """Returns a path with `~` replaced by the home, as shells do outside of quotes."""
    if path.startswith("$"):
        raise UserError(
            f"--{name}={path} begins with $: a variable in quotes or in a flagfile is "
            f"not replaced. Write the path itself."
        )
    if not is_line(path):
        raise UserError(
            f"--{name}={path!r} has a line break or is not UTF-8: choose another path."
        )
    return os.path.expanduser(path)


def _with_notes(text, error):
    return "\n".join([text, *getattr(error, "__notes__", ())])


def start_again() -> None:
    """Replaces this process by a new one that runs the same command."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)


def flagfile_name(argv: list[str] | None = None) -> str | None:
    """Returns the name, without folder and ending, of the last flagfile in `argv`.

    Args:
        argv: Words of the command (default: those of this process).
    """
    argv = sys.argv if argv is None else argv
    for index in range(len(argv) - 1, -1, -1):
        name, equals, value = argv[index].lstrip("-").partition("=")
        if argv[index].startswith("-") and name == "flagfile":
            return pathlib.Path(value if equals else argv[index + 1]).stem
    return None


def typed(name: str, argv: list[str] | None = None) -> bool:
    """Returns whether a flag is in the command itself, not only in a flagfile.

    Args:
        name: Name of the flag.
        argv: Words of the command (default: those of this process).
    """
    words = sys.argv if argv is None else argv
    names = [word.lstrip("-").partition("=")[0] for word in words if word[:1] == "-"]
    return name in names or f"no{name}" in names


def define_run_dir(help: str) -> None:
    """Defines `--run_dir` with this help text."""
    flags.DEFINE_string("run_dir", None, help)


def define_goals(use: str) -> None:
    """Defines `--budget_ms` and `--target_rate`, the limits for which a T is chosen.

    Args:
        use: End of both help texts: what the command does with that T.
    """
    flags.DEFINE_list("budget_ms", None, f"Limit on the mean ms of an image. {use}")
    if "target_rate" not in FLAGS:  # A setting of DMNN has this name and this meaning.
        flags.DEFINE_list(
            "target_rate", None, f"Limit on the share of branch MACs that run. {use}"
        )


def only_number(name: str) -> float:
    """Returns the number in a list flag, which must hold one only.

    Args:
        name: Name of the flag.

    Raises:
        UserError: If the flag does not hold exactly one number.
    """
    try:
        (number,) = map(float, FLAGS[name].value)
    except ValueError:
        raise UserError(
            f"--{name} must be one number here; got {','.join(FLAGS[name].value)}."
        ) from None
    return number


def define_passes(cost: str = "MACs") -> None:
    """Defines the flags of commands that run fixed routes on the images of a run.

    Args:
        cost: What is the cost without `--cost_table`.
    """
    flags.DEFINE_string(
        "cost_table",
        None,
        f"Latency table whose milliseconds are the cost (default: {cost}).",
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of the data, if they have moved since the training."
    )
    flags.DEFINE_integer("batch_size", 250, "Images in a batch.", 1, 65536)


def define_strategy() -> None:
    """Defines `--strategy`, the devices of a training."""
    flags.DEFINE_enum(
        "strategy",
        "one_device",
        ("one_device", "mirrored", "multi_worker"),
        "one_device: the first GPU, or else the CPU. mirrored: all GPUs of this "
        "machine. multi_worker: the machines in the environment variable TF_CONFIG.",
    )


def define_json() -> None:
    """Defines `--json`."""
    flags.DEFINE_bool("json", False, "Print one JSON object and nothing else.")


def say(text: str) -> None:
    """Prints a text for people. With `--json`, prints nothing."""
    if not FLAGS.json:
        print(text, flush=True)  # Slow work follows.


def report(content: dict, text: str) -> None:
    """Prints the result of a command: text for people, or with `--json` one object.

    Args:
        content: The result, ready for JSON.
        text: The result as people read it.
    """
    print(to_json(content) if FLAGS.json else text)
