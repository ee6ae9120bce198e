"""What the commands share: a quiet start, clear errors, default run folders."""

import contextlib
import json
import os
import pathlib
import sys
import tempfile

from absl import app, flags, logging

FLAGS = flags.FLAGS


def run(main, interrupted="interrupted", arguments=False, tensorflow=True):
    """Runs a command's `main`; errors that a user can mend are said without a trace.

    Args:
        main: Function called when the flags are parsed, of nothing or of `arguments`.
        interrupted: What is said when the user interrupts it.
        arguments: Whether `main` takes the words that are no flags, a list.
        tensorflow: Whether it needs TensorFlow, whose start takes seconds.
    """

    def guarded(argv):
        if len(argv) > 1 and not arguments:
            raise app.UsageError(
                f"Unknown argument {argv[1]!r}; settings are given as --name=value."
            )
        if not FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)
        # Without time, process and line of code: what is said is for people.
        logging.get_absl_handler().setFormatter(None)
        if tensorflow:
            start_tensorflow()
        try:
            main(argv[1:]) if arguments else main()
        except (ValueError, OSError, ArithmeticError) as error:
            logging.debug("Where it was raised:", exc_info=True)
            sys.exit(_with_notes(f"error: {error}", error))
        except KeyboardInterrupt as error:
            sys.exit(_with_notes(f"\n{interrupted}", error))

    app.run(guarded)


def _with_notes(text, error):
    return "\n".join([text, *getattr(error, "__notes__", ())])


def start_again():
    """Starts this process again from its beginning, by the same command."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)


def start_tensorflow():
    """Imports TensorFlow without what it says about drivers and instruction sets."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quiet():
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def quiet():
    """Holds back what is written to standard error, unless there is an exception."""
    # TensorFlow's C++ writes to the file descriptor, past sys.stderr.
    with tempfile.TemporaryFile() as file:
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            file.seek(0)
            sys.stderr.write(file.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def flagfile_name(argv=None):
    """Returns the name, without folder and ending, of the last flagfile in `argv`."""
    argv = sys.argv if argv is None else argv
    for index in range(len(argv) - 1, -1, -1):
        name, _, value = argv[index].lstrip("-").partition("=")
        if argv[index].startswith("-") and name == "flagfile":
            value = value or argv[index + 1]
            return pathlib.Path(value).stem
    return None


def define_json():
    """Defines `--json`."""
    flags.DEFINE_bool("json", False, "Print one JSON object and nothing else.")


def print_json(content):
    """Prints a JSON object."""
    print(json.dumps(content, indent=1))
