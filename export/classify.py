"""Classifies pictures by an exported network: `python -m export.classify photo.jpg`."""

import pathlib

import numpy as np
from absl import flags

from tfdyn import commands, output
from tfdyn.errors import UserError

FLAGS = flags.FLAGS


def classify(classifier, paths, threshold=None, top=3):
    """Classifies pictures, one after the other.

    Args:
        classifier: `export.runtime.Classifier`.
        paths: Their files.
        threshold: T, for a network that has T as an input.
        top: How many classes to name, at most.

    Yields:
        A dict for each picture: `picture`, `classes` (a list of `{"label",
        "probability"}`, the most probable first), `macs`, `milliseconds`.

    Raises:
        ValueError: If a file is missing or is not a picture, or T is not right.
    """
    from tfdyn.data.image_files import square

    for path in paths:  # All of them, before the first takes time.
        if not pathlib.Path(path).is_file():
            raise UserError(f"There is no file {path}: give the paths of pictures.")
    form = classifier.input_format
    for path in paths:
        result = classifier(square(path, form.shape[0], form.shape[-1]), threshold)
        probabilities = result.probabilities[0]
        best = np.argsort(-probabilities, kind="stable")[:top]
        yield {
            "picture": str(path),
            "classes": [
                {"label": form.class_names[i], "probability": float(probabilities[i])}
                for i in best
            ],
            "macs": int(result.macs[0]),
            "milliseconds": float(result.milliseconds[0]),
        }


def newest_model(folder="runs"):
    """Returns the `export/model.tflite` of the newest finished run that has one.

    Raises:
        ValueError: If there is none.
    """
    finished = pathlib.Path(folder).glob("*/model.keras")
    for path in sorted(finished, key=lambda path: path.stat().st_mtime, reverse=True):
        model = path.with_name("export") / "model.tflite"
        if model.exists():
            return model
    raise UserError(
        f"No finished run in {folder}/ is exported: do so by `python -m export.tflite "
        f"--run_dir=runs/NAME`, or name a file by --model."
    )


def load(path, num_threads=1):
    """Makes a `Classifier`, without what LiteRT says of its delegate.

    Raises:
        ValueError: If the file cannot be used.
    """
    from export.runtime import Classifier

    with output.quiet():
        try:
            return Classifier(path, num_threads)
        except ValueError as refused:
            error = refused
    raise error  # Out here nothing is shown but the error.


def line(row, width, label_width):
    """Returns the line of a picture; the widths are those of its first columns."""
    from tfdyn.text import readable

    classes = "".join(
        f"{one['label']:{label_width}}{100 * one['probability']:6.1f} %   "
        for one in row["classes"]
    )
    macs, milliseconds = readable(row["macs"]), row["milliseconds"]
    return f"{row['picture']:{width}}   {classes}{macs:>9} MACs{milliseconds:9.2f} ms"


def main(paths):
    """Runs the command on the flags.

    Args:
        paths: Files of pictures.
    """
    if not paths:
        raise UserError(
            "No picture was given: name one or more, as `python -m export.classify "
            "photo.jpg`."
        )
    model = FLAGS.model or newest_model()
    classifier = load(model, FLAGS.num_threads)
    rows = classify(classifier, paths, FLAGS.threshold, FLAGS.top)
    if FLAGS.json:
        commands.print_json({"model": str(model), "pictures": list(rows)})
        return
    if not FLAGS.model:
        print(f"classified by {model}")
    widths = [
        max(map(len, names)) for names in (paths, classifier.input_format.class_names)
    ]
    for row in rows:
        print(line(row, *widths))


if __name__ == "__main__":
    flags.DEFINE_string(
        "model", None, "File of export.tflite (default: that of the newest run)."
    )
    flags.DEFINE_float("threshold", None, "T, for a file that has T as an input.")
    flags.DEFINE_integer("top", 3, "Classes to show.", lower_bound=1)
    flags.DEFINE_integer("num_threads", 1, "Threads of the CPU.", lower_bound=1)
    commands.define_json()
    commands.run(main, arguments=True, tensorflow=False)
