"""Model files: a `model.keras`, checked before and after Keras loads it."""

import json
import pathlib
import zipfile
import zlib

import keras
import numpy as np

from tfdyn.errors import UserError
from tfdyn.models.routed_model import RoutedModel
from tfdyn.reading import check_file
from tfdyn.runs.precision import dtype_policy

# The files in a model.keras, and the most bytes that each may have, unpacked. The
# largest network of the papers has 180 MB of weights.
LARGEST = {"metadata.json": 2**20, "config.json": 2**22, "model.weights.h5": 2**30}
# What a broken archive or its JSON raises.
ERRORS = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, RuntimeError)


def check(path: pathlib.Path) -> None:
    """Checks that a file is a whole model of tfdyn, without loading it.

    An archive of a few MB may hold files of many GB: sizes are checked before anything
    is unpacked.

    Args:
        path: Path of the file.

    Raises:
        UserError: If it is not.
        OSError: If it cannot be read.
    """
    check_file(path, sum(LARGEST.values()))
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != sorted(LARGEST):
                raise UserError(
                    f"{path} is not a model of tfdyn, an archive of "
                    f"{', '.join(LARGEST)}. Pass a run folder of "
                    f"`python -m tfdyn.train`."
                )
            for member in members:
                if member.file_size > LARGEST[member.filename]:
                    raise UserError(
                        f"{path} cannot be loaded: its {member.filename} has "
                        f"{member.file_size} bytes, more than the "
                        f"{LARGEST[member.filename]} that a model of tfdyn may have."
                    )
            config = json.loads(archive.read("config.json"))
            damaged = archive.testzip()
    except UserError:
        raise
    except ERRORS as error:
        raise _unreadable(path, error) from error
    if damaged:
        raise _unreadable(path, f"{damaged} is damaged")
    config = config if isinstance(config, dict) else {}
    name = config.get("class_name")
    registered = keras.saving.get_registered_object(str(config.get("registered_name")))
    if not (isinstance(registered, type) and issubclass(registered, RoutedModel)):
        raise UserError(
            f"{path} holds a {str(name)[:80]}, not a model of tfdyn. Pass a run folder "
            f"of `python -m tfdyn.train`."
        )


def load(path: pathlib.Path) -> RoutedModel:
    """Loads a model in float32.

    Args:
        path: Path of the file.

    Raises:
        UserError: If it is not a whole model of tfdyn, or a weight is not finite.
        OSError: If it cannot be read.
    """
    check(path)
    try:
        with dtype_policy("float32"):
            model = keras.saving.load_model(path, compile=False)
    except Exception as error:
        # For a broken file Keras raises errors of JSON, HDF5 and its own.
        raise _unreadable(path, error) from error
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise UserError(
                f"{path} cannot be used: its weight {weight.path} holds numbers that "
                f"are not finite. Train again, with a lower learning rate."
            )
    return model


def _unreadable(path, reason):
    kind = "" if isinstance(reason, (str, UserError)) else f"{type(reason).__name__}: "
    # Keras's errors have up to 20 lines, some with advice that is wrong here.
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    text = lines[0] if lines and "safe_mode" not in lines[0] else "no reason given"
    return UserError(
        f"{path} cannot be read: it is truncated or not a model of tfdyn "
        f"({kind}{text[:200]}). The training command of its run writes it again if "
        f"the checkpoints are there; else use another file."
    )
