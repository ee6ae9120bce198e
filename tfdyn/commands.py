"""Commands: what all of them share; clear errors, flags of one form, JSON output."""

import json
import os
import pathlib
import sys

from absl import app, flags, logging

from tfdyn import output
from tfdyn.errors import UserError

FLAGS = flags.FLAGS
BUG = (
    "This is a bug, of tfdyn or of a package that it uses, not of your input. Please "
    "report it, with the lines above and the command."
)


def run(
    main,
    interrupted: str = "interrupted",
    arguments: bool = False,
    tensorflow: bool = True,
) -> None:
    """Runs a command's `main`, and prints in one line what a user can mend.

    These are `UserError`s and errors of the operating system (files, disks, devices).
    Any other error keeps its trace.

    Args:
        main: Function that is called once the flags are parsed, without arguments or
            with the command's words that are no flags.
        interrupted: Text to print when the user interrupts the command.
        arguments: Whether `main` takes a list of the words that are no flags.
        tensorflow: Whether the command needs TensorFlow, whose start takes seconds.
    """

    def guarded(argv):
        if len(argv) > 1 and not arguments:
            sys.exit(
                f"error: Unknown argument {argv[1]!r}; settings are given as "
                f"--name=value, files of them as --flagfile=FILE."
            )
        if not FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)
        # Without time, process and line of code: people read it.
        logging.get_absl_handler().setFormatter(None)
        try:
            if tensorflow:
                output.start_tensorflow()
            main(argv[1:]) if arguments else main()
        except (UserError, OSError) as error:
            logging.debug("Where it was raised:", exc_info=True)
            sys.exit(_with_notes(f"error: {error}", error))
        except KeyboardInterrupt as error:
            sys.exit(_with_notes(f"\n{interrupted}", error))
        except Exception as error:
            error.add_note(BUG)
            raise

    app.run(guarded, flags_parser=parse)


def parse(argv: list[str]) -> list[str]:
    """Parses the flags; a wrong one is an error of one line.

    Args:
        argv: Words of the command.

    Returns:
        The words that are no flags.
    """
    try:
        return FLAGS(argv)
    except (flags.Error, OSError) as error:
        sys.exit(f"error: {error} (--help lists the flags)")
    except UnicodeDecodeError:
        sys.exit("error: A --flagfile is not text: name a file of lines --name=value.")


def _with_notes(text, error):
    return "\n".join([text, *getattr(error, "__notes__", ())])


def start_again() -> None:
    """Starts this process again from its beginning, with the same command."""
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
        name, _, value = argv[index].lstrip("-").partition("=")
        if argv[index].startswith("-") and name == "flagfile":
            value = value or argv[index + 1]
            return pathlib.Path(value).stem
    return None


def typed(name: str, argv: list[str] | None = None) -> bool:
    """Returns whether a flag stands in the command itself, not only in a flagfile.

    Args:
        name: Name of the flag.
        argv: Words of the command (default: those of this process).
    """
    words = sys.argv if argv is None else argv
    names = [word.lstrip("-").partition("=")[0] for word in words if word[:1] == "-"]
    return name in names or f"no{name}" in names


def define_run_dir(help: str) -> None:
    """Defines `--run_dir`."""
    flags.DEFINE_string("run_dir", None, help)


def define_goals(use: str) -> None:
    """Defines `--budget_ms` and `--target_rate`, the goals that a T is chosen for.

    Args:
        use: What the command does with the T, a sentence or two.
    """
    flags.DEFINE_list("budget_ms", None, f"Mean milliseconds an image. {use}")
    if "target_rate" not in FLAGS:  # A setting of DMNN has this name and this meaning.
        flags.DEFINE_list(
            "target_rate", None, f"Share of the branches' MACs that run. {use}"
        )


def only_number(name: str) -> float:
    """Returns the number in a flag that other commands take several of.

    Args:
        name: Name of the flag.

    Raises:
        UserError: If there is not exactly one number.
    """
    try:
        (number,) = map(float, FLAGS[name].value)
    except ValueError:
        raise UserError(
            f"--{name} must be one number here; got {','.join(FLAGS[name].value)}."
        ) from None
    return number


def define_json() -> None:
    """Defines `--json`."""
    flags.DEFINE_bool("json", False, "Print one JSON object and nothing else.")


def say(text: str) -> None:
    """Prints text for people: nothing with `--json`."""
    if not FLAGS.json:
        print(text)


def report(content: dict, text: str) -> None:
    """Prints the result of a command: text for people, or with `--json` one object.

    Args:
        content: The result, ready for JSON.
        text: The result as people read it.
    """
    print(json.dumps(content, indent=1) if FLAGS.json else text)
