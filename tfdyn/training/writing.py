"""Writing: errors of TensorFlow's file system as errors of the operating system."""

import contextlib

import tensorflow as tf


@contextlib.contextmanager
def writing(folder):
    """Returns a context in which TensorFlow writes into a folder.

    Its errors name a file, but not every one names the reason.

    Args:
        folder: Path of the folder.

    Raises:
        OSError: If TensorFlow cannot write.
    """
    try:
        yield
    except tf.errors.OpError as error:
        reason = error.message.split("\n")[0].split("; ")[-1].split(" [Op:")[0]
        raise OSError(
            f"{folder} cannot be written to ({reason}). Free some space, or change its "
            f"permissions; then run the same command again."
        ) from error
