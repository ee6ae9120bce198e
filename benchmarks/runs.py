"""Runs side by side: measured latency and accuracy, in LiteRT on the CPU.

`python -m benchmarks.runs --run_dirs=runs/a,runs/b`

The routed files of all runs, each at its own T, are timed on the same test images, in
turn, with one thread. Accuracy is that of their `evaluation.json`.
"""

import pathlib
import statistics
import tempfile

from absl import flags

from benchmarks import litert, timing
from export import source as sources
from export.graph.form import Form
from tfdyn import commands
from tfdyn.text import align, readable

FLAGS = flags.FLAGS


def measure(runs, images, rounds=5, loop=30):
    """Times the routed files of runs.

    Args:
        runs: List of `export.source.Source`, of one shape of images.
        images: uint8 images `(n, height, width, channels)`.
        rounds: How often each is timed on each image.
        loop: How often it runs each time.

    Returns:
        A dict ready for JSON: the settings, and for each run under `runs` its
        `threshold`, `accuracy`, `macs_mean` (`None` where its evaluation has no such
        T), `ms` (the mean over the images) and `ms_to_first` (the mean's ratio to the
        first run's).
    """
    with tempfile.TemporaryDirectory() as folder:
        forms = {
            source.name: litert.load(
                source,
                pathlib.Path(folder, f"{index}.tflite"),
                Form(threshold=source.model.threshold),
            )
            for index, source in enumerate(runs)
        }
        none = [None] * len(images)
        rows = litert.alternate([forms] * len(images), images, none, rounds, loop)
    means = {name: statistics.mean(row[name] for row in rows) for name in forms}
    first = means[runs[0].name]
    return {
        "images": len(images),
        "rounds": rounds,
        "loop": loop,
        "runs": {
            source.name: {
                "threshold": source.model.threshold,
                **_evaluated(source),
                "ms": means[source.name],
                "ms_to_first": means[source.name] / first,
            }
            for source in runs
        },
        "machine": timing.machine(),
    }


def _evaluated(source):
    rows = source.evaluation["routed"] if source.evaluation else []
    own = [row for row in rows if row["threshold"] == source.model.threshold]
    row = own[0] if own else {}
    return {name: row.get(name) for name in ("accuracy", "macs_mean")}


def text(content: dict) -> str:
    """Returns what was measured as a table."""
    rows = [["", "accuracy", "MACs", "ms", "ratio"]]
    for name, row in content["runs"].items():
        accuracy = "" if row["accuracy"] is None else f"{row['accuracy']:.2%}"
        macs = "" if row["macs_mean"] is None else readable(row["macs_mean"])
        times = f"{row['ms']:.3f}", f"{row['ms_to_first']:.3f}"
        rows.append([name, accuracy, macs, *times])
    return align(rows)


def main():
    """Runs the command on the flags."""
    runs = [sources.from_run(name, data_dir=FLAGS.data_dir) for name in FLAGS.run_dirs]
    images, _ = runs[0].test_images(FLAGS.images)
    content = measure(runs, images, FLAGS.rounds, FLAGS.loop)
    commands.report(content, text(content))


if __name__ == "__main__":
    flags.DEFINE_list("run_dirs", None, "Run folders, separated by commas.")
    flags.mark_flag_as_required("run_dirs")
    flags.DEFINE_string("data_dir", None, "Where the data are, if they have moved.")
    for name, default, help in (
        ("images", 200, "Test images, at most."),
        ("rounds", 5, "How often each file is timed on each image."),
        ("loop", 30, "How often it runs each time."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=1)
    commands.define_json()
    commands.run(main)
