"""Budgets kept: measured latency at the T chosen for them, in LiteRT on the CPU.

`python -m benchmarks.budgets --run_dir=runs/NAME --budget_ms=0.75,0.9,1.1`

For each budget T is chosen by the run's latency table on its validation images, as
`export.tflite --budget_ms` does, and two files are made: all branches gated, and the
gates left out that the table tells to be of no use (`--latency_table`). All files are
timed on the same test images, in turn, with one thread.
"""

import pathlib
import statistics
import tempfile

import numpy as np
from absl import flags

from benchmarks import litert, timing
from export import gates
from export import source as sources
from tfdyn import commands
from tfdyn.files import write_json

FLAGS = flags.FLAGS


def measure(source, budgets, table, images, rounds=5, loop=30):
    """Times a network at the thresholds of budgets.

    Args:
        source: `export.source.Source` of a run.
        budgets: Milliseconds an image, numbers.
        table: Path of its latency table; `None`: the run's own.
        images: uint8 images `(n, height, width, channels)`.
        rounds: How often each file is timed on each image.
        loop: How often it runs each time.

    Returns:
        A dict ready for JSON: the settings, and under `budgets` what was chosen for
        each, with `gated_ms`, `guided_ms` (means over the images) and
        `guided_to_gated`, their ratio (of each image; the median and quartiles).
    """
    from export.graph.form import Form
    from tfdyn.evaluation import budget
    from tfdyn.evaluation.evaluator import Evaluator

    table, costs = budget.load_table(source.run, table, needed=True)
    evaluator, forms = Evaluator(source.model, costs), {}
    choices = budget.thresholds_for(budgets, evaluator, source.dataset)
    for choice in choices:
        form = Form(threshold=choice["threshold"])
        guided, chosen = gates.leave_out(source, form, table)
        choice["ungated"] = len(chosen["ungated"])
        forms[choice["budget_ms"]] = {"gated": form, "guided": guided}
    with tempfile.TemporaryDirectory() as folder:
        runtimes = {
            f"{number} {name}": litert.load(
                source, pathlib.Path(folder, f"{number}_{name}.tflite"), form
            )
            for number, own in forms.items()
            for name, form in own.items()
        }
        rows = litert.alternate(
            [runtimes] * len(images), images, [None] * len(images), rounds, loop
        )
    for choice, number in zip(choices, budgets, strict=True):
        gated, guided = (
            np.array([row[f"{number} {name}"] for row in rows])
            for name in ("gated", "guided")
        )
        choice["gated_ms"] = statistics.mean(gated)
        choice["guided_ms"] = statistics.mean(guided)
        ratios = np.percentile(guided / gated, (25, 50, 75))
        choice["guided_to_gated"] = dict(
            zip(("low", "median", "high"), ratios.tolist(), strict=True)
        )
    return {
        "source": source.name,
        "latency_table": str(table),
        "images": len(images),
        "rounds": rounds,
        "loop": loop,
        "budgets": choices,
        "machine": timing.machine(),
    }


def text(content):
    """Returns what was measured as a table."""
    heads = ("budget", "T", "predicted", "gated", "of budget", "guided", "guided/gated")
    lines = ["".join(f"{head:>14}" for head in heads)]
    for row in content["budgets"]:
        cells = (
            f"{row['budget_ms']:g} ms",
            f"{row['threshold']:.6g}",
            f"{row['validation_ms']:.3f}",
            f"{row['gated_ms']:.3f}",
            f"{row['gated_ms'] / row['budget_ms']:.3f}",
            f"{row['guided_ms']:.3f}",
            f"{row['guided_to_gated']['median']:.3f}",
        )
        lines.append("".join(f"{cell:>14}" for cell in cells))
    return "\n".join(lines)


def main():
    """Runs the command on the flags."""
    source = sources.from_command()
    images, _ = source.test_images(FLAGS.images)
    budgets = [float(number) for number in FLAGS.budget_ms]
    content = measure(
        source, budgets, FLAGS.cost_table, images, FLAGS.rounds, FLAGS.loop
    )
    path = pathlib.Path(FLAGS.output or source.folder.parent / "budgets.json")
    write_json(path, content)
    if FLAGS.json:
        commands.print_json(content)
    else:
        print(f"{text(content)}\n\nwrote {path}")


if __name__ == "__main__":
    sources.define()
    for name in ("run_dir", "cost_table"):  # So that --help lists them.
        flags.declare_key_flag(name)
    for name, default, help in (
        ("images", 200, "Test images, at most."),
        ("rounds", 5, "How often each file is timed on each image."),
        ("loop", 30, "How often it runs each time."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=1)
    flags.DEFINE_list("budget_ms", None, "Milliseconds an image, some numbers.")
    flags.mark_flag_as_required("budget_ms")
    flags.DEFINE_string("output", None, "JSON file (default: budgets.json of the run).")
    commands.define_json()
    commands.run(main)
