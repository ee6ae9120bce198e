"""The run folder of a rung of hyperband that resumes the rung before."""

import csv
import io
import itertools
import shutil

import tensorflow as tf

from tfdyn.families.settings import Settings
from tfdyn.files import whole, write_text
from tfdyn.runs.run_folder import RunFolder
from tfdyn.settings.flagfiles import to_flagfile
from tfdyn.training.metrics_table import read_rows
from tfdyn.tuning.rungs import EPOCHS

WEIGHT = "weights/{}/.ATTRIBUTES/VARIABLE_VALUE"


def carry(previous: RunFolder, run: RunFolder, settings: Settings) -> None:
    """Makes the run folder of a rung, which resumes the checkpoint of the rung before.

    The epochs of the rung before count as the first of this one. Its weights are the
    checkpoint, without the state of its optimizers: the learning rate goes on from
    where the longer schedule is after these epochs. A run folder that exists is kept.

    Args:
        previous: `RunFolder` of the rung before, finished.
        run: `RunFolder` to make.
        settings: `Settings` of the rung.

    Raises:
        OSError: If the files cannot be read or written.
    """
    if run.path.exists():
        return
    epochs = sum(getattr(previous.settings(), name) for name in EPOCHS)
    run.path.parent.mkdir(parents=True, exist_ok=True)
    with whole(run.path) as folder:
        (folder / "checkpoints").mkdir(parents=True)
        write_text(folder / "flags.txt", to_flagfile(settings))
        for name in ("input.json", "data.json"):
            (folder / name).write_bytes((previous / name).read_bytes())
        write_text(folder / "metrics.csv", _metrics(previous))
        # Of InstaNAS: stage 2 may begin with one that this rung does not come by.
        if (previous / "operating_points").exists():
            shutil.copytree(previous / "operating_points", folder / "operating_points")
        for path in (folder / "operating_points").glob("*/flags.txt"):
            write_text(path, to_flagfile(settings))
        reader = tf.train.load_checkpoint(str(previous / f"checkpoints/epoch-{epochs}"))
        names = itertools.takewhile(reader.has_tensor, map(WEIGHT.format, range(2**20)))
        weights = [tf.Variable(reader.get_tensor(name)) for name in names]
        path = str(folder / f"checkpoints/epoch-{epochs}")
        tf.train.Checkpoint(weights=weights).write(path)


def _metrics(previous):
    """Returns the rows of a rung, whose stages are not those of the next one."""
    rows = read_rows(previous / "metrics.csv")
    rows = [row | {"stage": f"earlier rung, {row['stage']}"} for row in rows]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
