"""Classifies images by an exported network: `python -m export.classify photo.jpg`."""

from absl import flags

from export.classification import classify, load_classifier, newest_model, table
from export.interpreter import MOST_THREADS
from tfdyn import commands
from tfdyn.errors import UserError

FLAGS = flags.FLAGS


def main(paths: list[str]) -> None:
    """Runs the command on the flags.

    Args:
        paths: Image files.
    """
    if not paths:
        raise UserError(
            "No image file was named: name one or more, as in `python -m "
            "export.classify photo.jpg`."
        )
    model = FLAGS.model or newest_model()
    classifier = load_classifier(model, FLAGS.num_threads)
    threshold = commands.only_number("threshold") if FLAGS.threshold else None
    rows = []
    if not FLAGS.model:
        commands.say(f"classified by {model}")
    try:
        rows.extend(classify(classifier, paths, threshold, FLAGS.top))
    except UserError:
        if rows:  # An image that cannot be read must not hide those before it.
            commands.say(table(rows))
        raise
    commands.report({"model": str(model), "pictures": rows}, table(rows))


if __name__ == "__main__":
    flags.DEFINE_string(
        "model",
        None,
        "File that export.tflite wrote (default: model.tflite of the newest run that "
        "was exported).",
    )
    flags.DEFINE_list(
        "threshold", None, "T, one number, for a file that takes T as an input."
    )
    flags.DEFINE_integer("top", 3, "Number of classes to print.", lower_bound=1)
    flags.DEFINE_integer(
        "num_threads", 1, "Number of CPU threads.", 1, upper_bound=MOST_THREADS
    )
    commands.define_json()
    flags.adopt_module_key_flags(commands)  # So that --help lists them.
    commands.run(main, arguments=True, tensorflow=False)
