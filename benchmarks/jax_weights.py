"""The file of weights that `benchmarks.jax_training` writes.

NPZ with the settings, the weights of each seed, the logs of its epochs and what its
router is worth.
"""

import json
import pathlib
import tempfile

import numpy as np

from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.files import whole
from tfdyn.settings.flagfiles import from_flagfile


def read_settings(path) -> Settings:
    """Reads the settings of the training whose weights a file holds.

    Args:
        path: Path of the NPZ file that this command wrote.

    Raises:
        UserError: If the file holds no settings, or those of another version.
        OSError: If there is no such file.
    """
    with np.load(path) as arrays, tempfile.TemporaryDirectory() as folder:
        flagfile = pathlib.Path(folder, "settings.flags")
        if "settings" not in arrays:
            raise UserError(f"{path} is not of benchmarks.jax_training.")
        flagfile.write_text(str(arrays["settings"]), encoding="utf-8")
        return from_flagfile(Settings, flagfile)


def read_weights(path, seed: int) -> list[np.ndarray]:
    """Reads the weights of a seed from a file that this command wrote.

    Args:
        path: Path of the NPZ file.
        seed: Seed of the training.

    Returns:
        List of arrays in the order of `model.weights`.

    Raises:
        UserError: If the file has no weights of this seed.
        OSError: If there is no such file.
    """
    with np.load(path) as arrays:
        names = sorted(name for name in arrays if name.startswith(f"seed{seed}/"))
        if not names:
            raise UserError(f"{path} has no weights of seed {seed}.")
        return [arrays[name] for name in names]


def write(path, arrays: dict, logs: dict, worth: dict) -> None:
    """Writes a file of weights.

    Args:
        path: Path of the NPZ file.
        arrays: The text `settings`, and an array `seedN/I` for each weight.
        logs: The logs of the epochs of each seed.
        worth: What the router is worth, for each seed; it may be empty.

    Raises:
        OSError: If the file cannot be written.
    """
    texts = {"logs": json.dumps(logs), "worth": json.dumps(worth)}
    with whole(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays, **texts)
