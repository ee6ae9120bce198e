"""Description: `model.json` and the tensors that every exported network has."""

import hashlib
import pathlib

import numpy as np

from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.reading import check_file, read_json
from tfdyn.routing.threshold import check_threshold

# A FlatBuffer counts its bytes with 32 bits, one of them for the sign.
LARGEST = 2**31
MEND = "Export it again with `python -m export.tflite`, or copy both files again."


def read(path: pathlib.Path) -> tuple[InputFormat, float | list[float], dict]:
    """Reads a `model.json`.

    Args:
        path: Path of the file.

    Returns:
        The `InputFormat`, T, and a mapping from the names of exported files to the
        SHA-256 of their bytes; empty for exports of earlier versions.

    Raises:
        UserError: If there is no such file, or it is broken.
        OSError: If it cannot be read.
    """
    mend = (
        "`python -m export.tflite` writes it beside the model: export again, or copy "
        "both files."
    )
    try:
        content = read_json(path, "the description of an exported network", mend)
    except FileNotFoundError as error:
        raise UserError(str(error)) from error
    try:
        shape, mean, std = (content["input"][name] for name in ("shape", "mean", "std"))
        input_format = InputFormat(content["labels"], shape[1:], mean, std)
        digests = dict(content.get("sha256", {}))
        return input_format, check_threshold(content["threshold"]), digests
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is broken ({type(error).__name__}: {error}). {mend}"
        ) from error


def check_digest(path: pathlib.Path, digests: dict) -> None:
    """Checks that a file has not changed since it was exported.

    A file with a few other bytes may load, and then run for ever or compute something
    else.

    Args:
        path: Path of the `.tflite` file.
        digests: Mapping from names of files to their SHA-256, as `read` returns it. A
            file that it does not name is not checked.

    Raises:
        UserError: If the file has changed.
    """
    expected = digests.get(path.name)
    check_file(path, LARGEST)
    if expected and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise UserError(
            f"{path} is truncated or changed, or is of another export than the "
            f"model.json beside it: its SHA-256 is not the one there. {MEND}"
        )


def fault(inputs: dict, outputs: dict, scales: dict) -> str | None:
    """Returns what no exported network has, as a text, or `None` if all is well.

    Args:
        inputs: Mapping from the names of a file's inputs to arrays.
        outputs: Mapping from the names of its outputs to the arrays of one run.
        scales: Mapping from the names of those that have 8 bits and a scale to pairs:
            the scale and the zero point.
    """
    types = {name: str(array.dtype) for name, array in inputs.items()}
    image = types.pop("image")
    dtypes = ("uint8", "float32", *["int8"] * ("image" in scales))
    if image not in dtypes:
        return f"its images are {image}, not uint8 or float32, or int8 with a scale"
    if types not in ({}, {"threshold": "float32"}) or np.ndim(inputs.get("threshold")):
        return f"it has the inputs {', '.join(inputs)}, not image alone or threshold"
    if "macs" not in outputs or outputs["macs"].shape != (1,):
        return "it has no output macs of shape (1,)"
    probabilities = outputs["probabilities"].astype("float64")
    step, _ = scales.get("probabilities", (0.0, 0))
    # Each may be rounded by half a step.
    error = abs(probabilities.sum() - 1)
    if not (probabilities >= 0).all() or not error <= 0.02 + probabilities.size * step:
        total = f"{probabilities.sum():g}"
        return f"its probabilities are below 0, or their sum is not 1 but {total}"
    return None
