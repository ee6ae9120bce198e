"""Files of TensorFlow Datasets (TFDS): prepared, found and checked."""

import contextlib
import pathlib
import sys

import tensorflow as tf

from tfdyn.data.folder_layout import expand_home
from tfdyn.errors import UserError


def make_builder(name: str, data_dir):
    """Returns the TFDS builder of a data set.

    Args:
        name: Name of the data set in TFDS.
        data_dir: Path of the folder of TFDS. `None`: its default.

    Returns:
        A `tfds.core.DatasetBuilder`.

    Raises:
        UserError: If the description of prepared data is broken.
    """
    import tensorflow_datasets as tfds  # Slow to import.

    if data_dir is not None:
        if not str(data_dir):
            raise UserError("data_dir is empty: pass a folder, or leave it out.")
        data_dir = expand_home(data_dir)
    try:
        return tfds.builder(name, data_dir=data_dir)
    except OSError:
        raise
    except Exception as error:
        # The libraries that parse the description raise errors of many types.
        folder = pathlib.Path(data_dir or tfds.core.constants.DATA_DIR, name)
        raise _broken(name, folder, error) from error


@contextlib.contextmanager
def explain_broken(builder, errors=(tf.errors.OpError, ValueError, KeyError)):
    """Returns a context that explains what reading a broken data set raises.

    Args:
        builder: `tfds.core.DatasetBuilder`.
        errors: Types of the errors that a broken file raises in the context.

    Raises:
        UserError: If a file of the data set is broken or missing.
    """
    try:
        yield
    except errors as error:
        raise _broken(builder.name, builder.data_dir, error) from error


def check_files(builder, split: str) -> None:
    """Checks that the files of a split are as large as when they were written.

    Args:
        builder: A prepared `tfds.core.DatasetBuilder`.
        split: Name of the TFDS split.

    Raises:
        UserError: If they are missing or smaller, or there is no such split.
    """
    with explain_broken(builder):
        info = builder.info.splits[split]
        size = sum(tf.io.gfile.stat(path).length for path in map(str, info.filepaths))
        # A record has its length and two checksums, 16 bytes, beside its content.
        expected = info.num_bytes + 16 * info.num_examples
        if str(builder.info.file_format.value) == "tfrecord" and size < expected:
            raise ValueError(f"{split} has {size} of {expected} bytes")


def _broken(name, folder, error):
    return UserError(
        f"The data set {name} in {folder} is broken ({type(error).__name__}: "
        f"{str(error)[:200]}): delete this folder and prepare it again, by the same "
        f"command or by `tfds build {name}`."
    )


def prepare_builder(name: str, data_dir):
    """Returns the TFDS builder of a data set; downloads the data if they are missing.

    Args:
        name: Name of the data set in TFDS.
        data_dir: Path of the folder of TFDS. `None`: its default.

    Returns:
        A prepared `tfds.core.DatasetBuilder`.

    Raises:
        UserError: If a file of the data set is broken.
        OSError: If the data are missing and cannot be downloaded.
    """
    builder = make_builder(name, data_dir)
    try:
        # TFDS prints to standard output, where the commands print their results.
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare()
    except Exception as error:
        # Network and file libraries under TFDS raise errors of many types.
        raise OSError(
            f"{name} is not prepared in {builder.data_dir} and could not be "
            f"downloaded ({type(error).__name__}: {error}). Run `tfds build {name}` "
            "on a machine with a network and copy the folder there, or pass the "
            "data_dir that holds it. See "
            f"https://www.tensorflow.org/datasets/catalog/{name} for data sets that "
            "must be downloaded by hand."
        ) from error
    return builder
