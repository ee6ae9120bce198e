"""Classification: image files, one after the other, by an exported network."""

import pathlib
from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from export.runtime import Classifier
from tfdyn import output
from tfdyn.data.image_files import load_square
from tfdyn.errors import UserError
from tfdyn.reading import check_file
from tfdyn.temporary import finish
from tfdyn.text import align, readable


def classify(
    classifier: Classifier, paths: list, threshold: float | None = None, top: int = 3
) -> Iterator[dict]:
    """Classifies image files, one after the other.

    Args:
        classifier: `Classifier`.
        paths: Paths of the image files.
        threshold: T in (0, 1], for a network that takes T as an input.
        top: Largest number of classes to return for each image.

    Yields:
        A dict for each image: `picture` (its path), `classes` (a list of `{"label",
        "probability"}`, the most probable first), `macs` and `milliseconds`.

    Raises:
        UserError: If a file is missing or is not an image, or T is wrong.
        PermissionError: If this user may not read a file.
    """
    for path in paths:  # All of them, before the first is classified.
        if not pathlib.Path(path).exists():
            raise UserError(f"There is no file {path}: name image files.")
        check_file(path)
    input_format = classifier.input_format
    height, _, channels = input_format.shape
    for path in tqdm(paths, "classifying", leave=False, disable=None):
        result = classifier(load_square(path, height, channels), threshold)
        probabilities = result.probabilities[0]
        best = np.argsort(-probabilities, kind="stable")[:top]
        yield {
            "picture": str(path),
            "classes": [
                {
                    "label": input_format.class_names[index],
                    "probability": float(probabilities[index]),
                }
                for index in best
            ],
            "macs": int(result.macs[0]),
            "milliseconds": float(result.milliseconds[0]),
        }


def newest_model(folder: str | pathlib.Path = "runs") -> pathlib.Path:
    """Returns the `export/model.tflite` of the newest finished run that has one.

    Args:
        folder: Folder of run folders.

    Raises:
        UserError: If no finished run has one.
    """
    finished = pathlib.Path(folder).glob("*/model.keras")
    for path in sorted(finished, key=lambda path: path.stat().st_mtime, reverse=True):
        model = path.with_name("export") / "model.tflite"
        finish(model.parent)
        if model.exists():
            return model
    raise UserError(
        f"No finished run in {folder}/ is exported: run `python -m export.tflite "
        f"--run_dir=runs/NAME`, or name a file with --model."
    )


def load_classifier(path: str | pathlib.Path, num_threads: int = 1) -> Classifier:
    """Makes a `Classifier`, and hides LiteRT's message about its delegate.

    Args:
        path: The `.tflite` file.
        num_threads: Number of CPU threads, from 1 to 256.

    Raises:
        UserError: If the file cannot be used.
        OSError: If it or `model.json` cannot be read.
    """
    with output.quiet():
        try:
            return Classifier(path, num_threads)
        except (UserError, OSError) as known_error:
            error = known_error
    raise error  # Inside `quiet`, LiteRT's message would be printed beside it.


def table(rows: list[dict]) -> str:
    """Returns classified images as a table.

    Args:
        rows: What `classify` yields.
    """
    lines = []
    for row in rows:
        cells = [row["picture"]]
        for each in row["classes"]:
            cells += [each["label"], f"{100 * each['probability']:.1f} %"]
        cost = f"{readable(row['macs'])} MACs", f"{row['milliseconds']:.2f} ms"
        lines.append([*cells, *cost])
    return align(lines)
