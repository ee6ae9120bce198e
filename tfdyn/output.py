"""Output: keeps the messages of libraries off the screen, unless something fails."""

import contextlib
import os
import sys
import tempfile

# Descriptor that leads to the user, also while standard error is held back.
stderr = 2


def start_tensorflow() -> None:
    """Imports TensorFlow without its messages about drivers and instruction sets."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quiet():
        import keras  # noqa: F401  Heavy, as is TensorFlow: only some commands need it.
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def quiet():
    """Hides what is written to standard error. After an exception, it is printed."""
    # TensorFlow's C++ writes to the file descriptor, past sys.stderr.
    global stderr
    with tempfile.TemporaryFile() as file:
        saved = stderr = os.dup(2)
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
            stderr = 2
            os.close(saved)
