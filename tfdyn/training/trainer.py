"""Trainer: a training from settings to a finished run folder, read top to bottom."""

import contextlib
import functools
import sys
from typing import TextIO

import keras

from tfdyn.costs import provenance
from tfdyn.costs.cost_table import CostTable
from tfdyn.data import categories, record
from tfdyn.data import dataset as datasets
from tfdyn.data.augmentation import Augmentation
from tfdyn.errors import UserError
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.families.networks import build_network, check_settings, family_of_run
from tfdyn.families.settings import Settings
from tfdyn.files import check_writable
from tfdyn.layers.batch_normalization import synchronize
from tfdyn.locks import locked
from tfdyn.models.family import TrainingContext
from tfdyn.runs import model_file
from tfdyn.runs.precision import dtype_policy
from tfdyn.runs.run_folder import RunFolder
from tfdyn.runs.transfer import transfer
from tfdyn.training import callbacks
from tfdyn.training.distribution import Distribution
from tfdyn.training.loop import TrainingLoop
from tfdyn.training.metrics_table import BestEpoch, MetricsTable

# Folders of a run that are written in each epoch.
LOGS = "tensorboard"
FOLDERS = ("checkpoints", LOGS, f"{LOGS}/train", f"{LOGS}/validation")


def train(
    settings: Settings,
    run_dir,
    output: TextIO | None = None,
    distribution: Distribution | None = None,
) -> RunFolder:
    """Trains a network, or resumes a training that was stopped.

    Sets Keras's global seed.

    Args:
        settings: `Settings`.
        run_dir: Path of the run's folder: a new one, or one of the same settings.
        output: Stream that progress is written to (default: `sys.stderr`).
        distribution: `Distribution` over devices (default: one device). It is no part
            of the run, so a training may be resumed on other devices.

    Returns:
        The `RunFolder`.

    Raises:
        UserError: If a setting does not fit the others, the data or the folder; or if
            the loss or a weight is no longer finite (`DivergedError`).
        OSError: If the data are missing.
        WorkerLostError: If another worker is lost.
    """
    output = output or sys.stderr
    distribution = distribution or Distribution()
    run = RunFolder(run_dir)
    _check_before_reading(settings, run)
    if run.finished and _is_whole(run, output):
        output.write(f"{run} is finished: nothing is left to train\n")
        return run
    dataset = _load_dataset(settings)
    model = _build_model(settings, dataset.input_format, distribution)
    steps = dataset.num_examples("train") // settings.batch_size
    validation = None
    if dataset.num_examples("validation"):
        validation = functools.partial(
            dataset.batches, "validation", settings.batch_size
        )
    context = TrainingContext(steps, dataset.input_format, run, output, validation)
    family = family_of_run(settings)
    with distribution.scope():
        stages = family.stages(settings, model, context)
    table = CostTable.load(settings.cost_table) if settings.cost_table else None
    validate = _validate(settings, validation, model, table)
    with _writing(run, settings, dataset, distribution, output):
        loop = TrainingLoop(
            model,
            stages,
            functools.partial(_batches, settings, dataset, distribution),
            steps,
            run.output("checkpoints"),
            settings.seed,
            validate,
            _callbacks(settings, family, model, context, distribution, validate),
            distribution,
            output,
        )
        output.write(
            f"training {settings.network} on {steps * settings.batch_size} of "
            f"{dataset.num_examples('train')} images of {dataset.name} an epoch, in "
            f"{run} ({distribution})\n"
        )
        if table:
            output.write(f"cost table: {table.name}, {provenance.origin(table)}\n")
            provenance.warn(table)
        with dataset.explain_broken(), distribution.watch_workers():
            loop.run()
        if distribution.is_chief:
            run.save_model(model)
            output.write(f"wrote {run / 'model.keras'}\n")
        else:
            output.write(f"{distribution} is done; worker 0 writes the model\n")
    return run


def _check_before_reading(settings, run):
    """Refuses what can be refused before an image is read."""
    check_settings(settings)
    run.check(settings)
    input_format = datasets.input_format_of(
        settings.dataset, settings.data_dir, settings.image_size
    )
    run.check_input(input_format)
    categories.names(settings.categories, input_format.class_names)


def _is_whole(run, output):
    """Returns whether the model of a finished run can be read."""
    try:
        model_file.check(run / "model.keras")
    except UserError as error:
        output.write(f"{error}\nIt is written again from the last checkpoint\n")
        return False
    return True


@contextlib.contextmanager
def _writing(run, settings, dataset, distribution, output):
    """Returns a context in which the chief, and no other command, writes the run."""
    if not distribution.is_chief:
        yield
        return
    check_writable(run.path)
    with locked(run.path):
        if (run / "metrics.csv").exists():
            before = run.data()
            record.check_steps(run, before, dataset, settings.batch_size)
            output.write(record.notice(run, before, dataset))
        run.start(settings, dataset.input_format, record.make(dataset))
        for name in FOLDERS:
            run.output(name)
        for name in FOLDERS[:2]:
            check_writable(run / name)
        yield


def _load_dataset(settings):
    dataset = datasets.load(
        settings.dataset,
        settings.data_dir,
        settings.image_size,
        settings.validation_share,
    )
    if settings.batch_size > dataset.num_examples("train"):
        raise UserError(
            f"--batch_size={settings.batch_size} is more than the "
            f"{dataset.num_examples('train')} training images of {dataset.name}; make "
            f"it smaller."
        )
    return dataset


def _build_model(settings, input_format, distribution):
    keras.utils.set_random_seed(settings.seed)
    num_classes = len(input_format.class_names)
    with distribution.scope(), dtype_policy(settings.dtype_policy):
        model = build_network(settings, input_format.shape, num_classes)
    if settings.init_from:
        transfer(RunFolder(settings.init_from), model, input_format)
    if settings.synchronized_batch_norm:
        synchronize(model)
    return model


def _batches(settings, dataset, distribution, epoch):
    """Returns the training batches of an epoch (0-based), split over the replicas."""
    augmentation = Augmentation.of(settings)

    def shard(batch_size, index, count):
        return dataset.batches(
            "train",
            batch_size,
            augmentation,
            seed=settings.seed,
            epoch=epoch,
            shuffle=True,
            drop_remainder=True,
            shard=(index, count),
        )

    return distribution.batches(shard, settings.batch_size)


def _validate(settings, validation, model, table):
    """Returns the function from T to the validation's results, or `None`."""
    if not validation:
        return None
    timed = table is not None and table.unit == "ms"
    evaluator = Evaluator(model, table if timed else None)
    names = ("accuracy", "macs_mean") + (("ms_mean",) if timed else ())

    def validate(threshold):
        results = evaluator(validation(), threshold)
        return {name: results[name] for name in names}

    return validate


def _callbacks(settings, family, model, context, distribution, validate):
    """Returns the Keras callbacks of a training; only the chief has any."""
    if not distribution.is_chief:
        return []
    run, output = context.run, context.output
    table = MetricsTable(run / "metrics.csv", output)
    common = [
        callbacks.Progress(settings.batch_size, output),
        table,
        callbacks.EventLog(run.output("tensorboard")),
    ]
    if validate:
        save = functools.partial(run.save_model, model, "best.keras")
        # Before the table, as BestEpoch says.
        common.insert(1, BestEpoch(table, save, run / "best.keras", output=output))
    return [*common, *family.callbacks(settings, model, context)]
