"""Compares runs: their latency, measured in LiteRT on the CPU, and their accuracy.

`python -m benchmarks.runs --run_dirs=runs/a,runs/b`

Each run is converted to a routed file, at the T of the run. All files are timed on the
same test images, in turn, with one thread. The accuracy is read from the
`evaluation.json` of each run.
"""

import pathlib
import statistics
import tempfile

import numpy as np
from absl import flags

from benchmarks import litert, timing
from export import source as sources
from export.graph.form import Form
from export.source import Source
from tfdyn import commands
from tfdyn.text import align, readable

FLAGS = flags.FLAGS


def measure(
    runs: list[Source], images: np.ndarray, rounds: int = 5, loop: int = 30
) -> dict:
    """Times the routed files of runs.

    Args:
        runs: `Source` of each run. All have images of the same shape.
        images: uint8 images `(n, height, width, channels)`.
        rounds: Number of times that each file is timed on each image.
        loop: Number of runs that are timed together each time.

    Returns:
        A dict ready for JSON: the settings, and under `runs`, for each run,
        `threshold`; `accuracy` and `macs_mean` at this T, or `None` if the run was not
        evaluated at it; `ms`, the mean milliseconds an image; and `ms_to_first`, this
        mean divided by that of the first run.
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
        count = len(images)
        rows = litert.alternate([forms] * count, images, [None] * count, rounds, loop)
    means = {name: statistics.mean(row[name] for row in rows) for name in forms}
    first_mean = means[runs[0].name]
    return {
        "images": len(images),
        "rounds": rounds,
        "loop": loop,
        "runs": {
            source.name: {
                "threshold": source.model.threshold,
                **_evaluated(source),
                "ms": means[source.name],
                "ms_to_first": means[source.name] / first_mean,
            }
            for source in runs
        },
        "machine": timing.machine(),
    }


def _evaluated(source):
    rows = source.evaluation["routed"] if source.evaluation else []
    at_threshold = [row for row in rows if row["threshold"] == source.model.threshold]
    row = at_threshold[0] if at_threshold else {}
    return {name: row.get(name) for name in ("accuracy", "macs_mean")}


def text(content: dict) -> str:
    """Returns the results of `measure` as a table, one row for each run.

    Args:
        content: What `measure` returned.
    """
    rows = [["", "accuracy", "MACs", "ms", "ratio"]]
    for name, row in content["runs"].items():
        accuracy = "" if row["accuracy"] is None else f"{row['accuracy']:.2%}"
        macs = "" if row["macs_mean"] is None else readable(row["macs_mean"])
        times = f"{row['ms']:.3f}", f"{row['ms_to_first']:.3f}"
        rows.append([name, accuracy, macs, *times])
    return align(rows)


def main() -> None:
    """Runs the command on the flags."""
    runs = [sources.from_run(name, data_dir=FLAGS.data_dir) for name in FLAGS.run_dirs]
    images, _ = runs[0].test_images(FLAGS.images)
    content = measure(runs, images, FLAGS.rounds, FLAGS.loop)
    commands.report(content, text(content))


if __name__ == "__main__":
    flags.DEFINE_list("run_dirs", None, "Run folders, separated by commas.")
    flags.mark_flag_as_required("run_dirs")
    flags.DEFINE_string(
        "data_dir", None, "Folder of the data, if they have moved since the trainings."
    )
    for name, default, help in (
        ("images", 200, "Largest number of test images."),
        ("rounds", 5, "Number of times that each file is timed on each image."),
        ("loop", 30, "Number of runs that are timed together each time."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=1)
    commands.define_json()
    commands.run(main)
