"""Output: keeps the messages of libraries off the screen, unless something fails."""

import contextlib
import os
import sys
import tempfile

from tfdyn.errors import UserError

# Descriptor that leads to the user, also while standard error is held back.
stderr = 2


def start_tensorflow() -> None:
    """Imports TensorFlow without its messages about drivers and instruction sets.

    The commands are TensorFlow's, and their networks are built in float32: a user's
    `keras.json` or `KERAS_BACKEND` with other settings is for other programs.

    Raises:
        UserError: If Keras was imported with another backend, or does not start with
            the user's settings.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ |= {"KERAS_BACKEND": "tensorflow", "KERAS_NNX_ENABLED": "false"}
    with quiet():
        try:
            import keras  # Heavy, as is TensorFlow: only some commands need it.
        except (AssertionError, AttributeError, TypeError, ValueError) as error:
            folder = os.environ.get("KERAS_HOME", "~/.keras")
            raise UserError(
                f"Keras does not start with its settings in {folder}/keras.json and "
                f"the environment ({type(error).__name__}: {error}). Correct or delete "
                f"that file."
            ) from error
        if keras.backend.backend() != "tensorflow":
            raise UserError(
                f"Keras runs on {keras.backend.backend()} in this process, and the "
                f"commands need TensorFlow: set KERAS_BACKEND=tensorflow."
            )
        keras.config.set_image_data_format("channels_last")
        keras.config.set_floatx("float32")
        keras.config.set_epsilon(1e-7)
        keras.config.set_dtype_policy("float32")
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
