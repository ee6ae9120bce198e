"""Makes finished run folders of the weights that `benchmarks.jax_training` wrote.

`python -m benchmarks.jax_runs --weights=weights.npz --run_dir=runs/NAME`

There is one folder for each seed, runs/NAME_seed0 and so on, with the files that
`python -m tfdyn.train` leaves and the evaluation reads.
"""

import dataclasses
import json

import numpy as np
from absl import flags

from benchmarks.jax_weights import read_settings, read_weights
from tfdyn import commands
from tfdyn.data import dataset as datasets
from tfdyn.data import record
from tfdyn.data.dataset import Dataset
from tfdyn.errors import UserError
from tfdyn.evaluation.worth_of_run import write_worth
from tfdyn.families.networks import build_network
from tfdyn.families.settings import Settings
from tfdyn.files import check_writable
from tfdyn.locks import locked
from tfdyn.runs.precision import dtype_policy
from tfdyn.runs.run_folder import RunFolder
from tfdyn.training.metrics_table import MetricsTable

FLAGS = flags.FLAGS


def read(path) -> tuple[Settings, dict[int, list[dict]], dict[int, dict]]:
    """Reads what a file of weights says of its training.

    Args:
        path: NPZ file that `benchmarks.jax_training` wrote.

    Returns:
        The `Settings`; for each seed the logs of its epochs; and for each seed, if it
        was measured, the worth of the router.

    Raises:
        UserError: If the file is not of that command.
        OSError: If there is no such file.
    """
    try:
        with np.load(path) as arrays:
            logs, worth = (json.loads(str(arrays[name])) for name in ("logs", "worth"))
        settings = read_settings(path)
    except (KeyError, ValueError) as error:
        raise UserError(
            f"--weights={path} is not of benchmarks.jax_training: {error}"
        ) from error
    by_seed = [{int(seed): of for seed, of in each.items()} for each in (logs, worth)]
    return settings, *by_seed


def make_run(
    run: RunFolder,
    settings: Settings,
    dataset: Dataset,
    weights: list[np.ndarray],
    rows: list[dict],
) -> None:
    """Writes the files of a finished run.

    Args:
        run: `RunFolder` to write.
        settings: `Settings` of the run, with its seed.
        dataset: `Dataset` of the run.
        weights: Final weights in the order of `model.weights`.
        rows: Logs of the epochs, for `metrics.csv`.

    Raises:
        UserError: If the folder holds a finished run or a run of other settings, or
            the weights are not of this network.
    """
    if run.finished:
        raise UserError(f"{run} is a finished run already: choose another --run_dir.")
    input_format = dataset.input_format
    with dtype_policy(settings.dtype_policy):
        model = build_network(
            settings, input_format.shape, len(input_format.class_names)
        )
    shapes = [tuple(weight.shape) for weight in model.weights]
    if shapes != [array.shape for array in weights]:
        raise UserError(f"The weights for {run} are not of {settings.network}.")
    model.set_weights(weights)
    run.check(settings)
    check_writable(run.path)
    with locked(run.path):
        run.start(settings, input_format, record.make(dataset))
        table = MetricsTable(run / "metrics.csv")
        for row in rows:
            row = dict(row)
            table.set_params({"stage": row.pop("stage")})
            table.on_epoch_end(row.pop("epoch") - 1, row)
        run.save_model(model)


def main() -> None:
    """Runs the command on the flags."""
    settings, logs, worth = read(FLAGS.weights)
    dataset = datasets.load(
        settings.dataset,
        FLAGS.data_dir or settings.data_dir,
        settings.image_size,
        settings.validation_share,
    )
    for seed, rows in logs.items():
        run = RunFolder(f"{FLAGS.run_dir}_seed{seed}")
        weights = read_weights(FLAGS.weights, seed)
        make_run(run, dataclasses.replace(settings, seed=seed), dataset, weights, rows)
        if seed in worth:
            write_worth(run, {"dataset": dataset.name, **worth[seed]})
        print(f"wrote {run}")


if __name__ == "__main__":
    flags.DEFINE_string("weights", None, "NPZ file of benchmarks.jax_training.")
    commands.define_run_dir("Beginning of the names of the run folders.")
    flags.DEFINE_string("data_dir", None, "Folder of the data set.")
    flags.mark_flags_as_required(["weights", "run_dir"])
    commands.run(main)
