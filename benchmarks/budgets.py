"""Measures whether networks keep to budgets of milliseconds, in LiteRT on the CPU.

`python -m benchmarks.budgets --run_dir=runs/NAME --budget_ms=0.75,0.9,1.1`

For each budget, the command finds the largest T whose predicted mean latency on the
validation images stays within it, as `export.tflite --budget_ms` does. The prediction
comes from the run's latency table. At this T it converts the network twice. The
"gated" file has a gate for each branch. The "guided" file leaves out the gates that
cost more time than they save, by the table, as `export.tflite --latency_table` does.
All files are timed on the same test images, in turn, with one thread.
"""

import pathlib
import statistics
import tempfile

import numpy as np
from absl import flags

from benchmarks import litert, timing
from export import flags as export_flags
from export import gates
from export.graph.form import Form
from export.source import Source
from tfdyn import commands
from tfdyn.costs import provenance
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.evaluation.thresholds import BUDGET_MS, choose_thresholds
from tfdyn.files import write_json
from tfdyn.runs.tables import load_table
from tfdyn.text import align

FLAGS = flags.FLAGS


def measure(
    source: Source,
    budgets: list[float],
    cost_table: str | None,
    images: np.ndarray,
    rounds: int = 5,
    loop: int = 30,
) -> dict:
    """Times a network at the T of each budget.

    Args:
        source: `Source` of a run.
        budgets: Mean milliseconds an image.
        cost_table: Path of a latency table, or `None` for the run's own.
        images: uint8 images `(n, height, width, channels)`.
        rounds: Number of times that each file is timed on each image.
        loop: Number of runs that are timed together each time.

    Returns:
        A dict ready for JSON: the settings; `latency_table` (its path) and
        `latency_table_origin` (where and when it was measured); and under `budgets` one
        dict for each budget. It has what `choose_thresholds` returns (`threshold`,
        `budget_ms`, `validation_ms`, `validation_examples`); `ungated`, the number of
        branches without a gate in the guided file; `gated_ms` and `guided_ms`, means
        over the images; and `guided_to_gated`, the median and the quartiles ("low",
        "high") over the images of the ratio of the two times.

    Raises:
        UserError: If there is no latency table in ms, if there are no validation
            images, or if a budget cannot be met.
        OSError: If there is no file `cost_table`.
    """
    path, table = load_table(source.run, cost_table, needed=True)
    evaluator, forms = Evaluator(source.model, table), {}
    rows = choose_thresholds(BUDGET_MS, budgets, evaluator, source.dataset)
    for index, row in enumerate(rows):
        gated = Form(threshold=row["threshold"])
        guided, choices = gates.leave_out(source, gated, path)
        row["ungated"] = len(choices["ungated"])
        forms |= {(index, "gated"): gated, (index, "guided"): guided}
    with tempfile.TemporaryDirectory() as folder:
        runtimes = {
            (index, name): litert.load(
                source, pathlib.Path(folder, f"{index}_{name}.tflite"), form
            )
            for (index, name), form in forms.items()
        }
        count = len(images)
        milliseconds = litert.alternate(
            [runtimes] * count, images, [None] * count, rounds, loop
        )
    for index, row in enumerate(rows):
        gated, guided = (
            np.array([times[index, name] for times in milliseconds])
            for name in ("gated", "guided")
        )
        row["gated_ms"] = statistics.mean(gated)
        row["guided_ms"] = statistics.mean(guided)
        ratios = np.percentile(guided / gated, (25, 50, 75)).tolist()
        names = ("low", "median", "high")
        row["guided_to_gated"] = dict(zip(names, ratios, strict=True))
    return {
        "source": source.name,
        "latency_table": str(path),
        "latency_table_origin": provenance.origin(table),
        "images": count,
        "rounds": rounds,
        "loop": loop,
        "budgets": rows,
        "machine": timing.machine(),
    }


def text(content: dict) -> str:
    """Returns the results of `measure` as a table, one row for each budget.

    The last line names the latency table and its origin.

    Args:
        content: What `measure` returned.
    """
    heads = ["budget", "T", "predicted", "gated", "of budget", "guided", "guided/gated"]
    rows = [
        [
            f"{row['budget_ms']:g} ms",
            f"{row['threshold']:.6g}",
            f"{row['validation_ms']:.3f}",
            f"{row['gated_ms']:.3f}",
            f"{row['gated_ms'] / row['budget_ms']:.3f}",
            f"{row['guided_ms']:.3f}",
            f"{row['guided_to_gated']['median']:.3f}",
        ]
        for row in content["budgets"]
    ]
    origin = f"{content['latency_table']}, {content['latency_table_origin']}"
    return f"{align([heads, *rows])}\n\npredicted by {origin}"


def main() -> None:
    """Runs the command on the flags."""
    source = export_flags.source_from_flags(("cost_table",))
    path = export_flags.output_from_flags(
        source.home / "budgets.json", ("source", "budgets")
    )
    images, _ = source.test_images(FLAGS.images)
    budgets = [float(number) for number in FLAGS.budget_ms]
    content = measure(
        source, budgets, FLAGS.cost_table, images, FLAGS.rounds, FLAGS.loop
    )
    write_json(path, content)
    commands.report(content, f"{text(content)}\n\nwrote {path}")


if __name__ == "__main__":
    export_flags.define_source()
    for name in ("run_dir", "cost_table"):  # So that --help lists them.
        flags.declare_key_flag(name)
    for name, default, help in (
        ("images", 200, "Largest number of test images."),
        ("rounds", 5, "Number of times that each file is timed on each image."),
        ("loop", 30, "Number of runs that are timed together each time."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=1)
    flags.DEFINE_list(
        "budget_ms",
        None,
        "Budgets: mean milliseconds an image, numbers separated by commas.",
    )
    flags.mark_flag_as_required("budget_ms")
    export_flags.define_output("budgets.json in the run's folder")
    commands.define_json()
    commands.run(main)
