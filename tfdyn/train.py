"""Trains a network: `python -m tfdyn.train --flagfile=configs/quickstart.flags`."""

import functools
import sys

from absl import flags

from tfdyn import commands
from tfdyn.families.settings import Settings
from tfdyn.settings import fields
from tfdyn.settings.fields import define_flags, from_flags

FLAGS = flags.FLAGS


def train(settings, run_dir, output=sys.stderr, distribution=None):
    """Trains a network, or goes on with a training that was stopped.

    Sets Keras's global seed.

    Args:
        settings: `Settings`.
        run_dir: The run's folder: a new one, or one of the same settings.
        output: Where progress is written.
        distribution: `Distribution`; default: one device. It is no part of the run:
            a training may go on on other devices.

    Returns:
        The `RunFolder`.

    Raises:
        ValueError: If a setting does not fit the others, the data or the folder.
        OSError: If the data are not there.
        DivergedError: If the loss is no longer finite.
        WorkerLostError: If another worker is no longer there.
    """
    import keras

    from tfdyn.families.networks import build_network
    from tfdyn.families.training import make_callbacks, make_stages
    from tfdyn.layers.batch_normalization import synchronize
    from tfdyn.runs.precision import dtype_policy
    from tfdyn.runs.run_folder import RunFolder
    from tfdyn.runs.transfer import transfer
    from tfdyn.training.distribution import Distribution
    from tfdyn.training.loop import TrainingLoop

    distribution = distribution or Distribution()
    folder = RunFolder(run_dir)
    dataset, batches = _data(settings, distribution)
    input_format = dataset.input_format
    keras.utils.set_random_seed(settings.seed)
    with distribution.scope(), dtype_policy(settings.dtype_policy):
        num_classes = len(input_format.class_names)
        model = build_network(settings, input_format.shape, num_classes)
    if settings.init_from:
        transfer(RunFolder(settings.init_from), model, input_format)
    if settings.synchronized_batch_norm:
        synchronize(model)
    steps = dataset.num_examples("train") // settings.batch_size
    with distribution.scope():
        names = input_format.class_names
        stages = make_stages(settings, model, steps, names, folder)
    callbacks = ()
    if distribution.is_chief:
        callbacks = _callbacks(settings, folder, model, output)
        callbacks += make_callbacks(settings, model, input_format, folder, output)
    loop = TrainingLoop(
        model,
        stages,
        batches,
        steps,
        folder / "checkpoints",
        settings.seed,
        _validation(settings, dataset, model),
        callbacks,
        distribution,
    )
    if distribution.is_chief:
        folder.start(settings)
        input_format.save(folder / "input.json")
    else:
        folder.check(settings)
    if folder.finished:
        output.write(f"{folder} is finished: nothing is left to train\n")
        return folder
    output.write(
        f"training {settings.network} on {steps * settings.batch_size} of "
        f"{dataset.num_examples('train')} examples of {dataset.name} an epoch, in "
        f"{folder} ({distribution})\n"
    )
    with distribution.watched():
        loop.run()
    if distribution.is_chief:
        folder.save_model(model)
        output.write(f"wrote {folder / 'model.keras'}\n")
    else:
        output.write(f"{distribution} is done; worker 0 writes the model\n")
    return folder


def _data(settings, distribution):
    """Returns the data set and the function from an epoch to its batches."""
    from tfdyn.data.augmentation import Augmentation
    from tfdyn.data.dataset import load

    dataset = load(
        settings.dataset,
        settings.data_dir,
        settings.image_size,
        settings.validation_share,
    )
    if settings.batch_size > dataset.num_examples("train"):
        raise ValueError(
            f"--batch_size={settings.batch_size} is more than the "
            f"{dataset.num_examples('train')} training examples of {dataset.name}."
        )
    augmentation = Augmentation(
        settings.crop, settings.flip, settings.autoaugment, settings.cutout
    )

    def batches(epoch):
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

    return dataset, batches


def _validation(settings, dataset, model):
    from tfdyn.costs.cost_table import CostTable
    from tfdyn.evaluation.evaluator import Evaluator

    if not dataset.num_examples("validation"):
        return None
    table = CostTable.load(settings.cost_table) if settings.cost_table else None
    timed = table is not None and table.unit == "ms"
    evaluator = Evaluator(model, table if timed else None)
    names = ("accuracy", "macs_mean") + (("ms_mean",) if timed else ())

    def validate(threshold):
        batches = dataset.batches("validation", settings.batch_size)
        results = evaluator(batches, threshold)
        return {name: results[name] for name in names}

    return validate


def _callbacks(settings, folder, model, output):
    import keras

    from tfdyn.training import callbacks

    table = callbacks.MetricsTable(folder / "metrics.csv")
    made = [
        callbacks.Progress(settings.batch_size, output),
        table,
        keras.callbacks.TensorBoard(str(folder / "tensorboard"), write_graph=False),
    ]
    if settings.validation_share:
        save = functools.partial(folder.save_model, model, "best.keras")
        made.append(callbacks.BestEpoch(table, save))
    return made


def main():
    """Runs the command on the flags."""
    from tfdyn.evaluate import evaluate
    from tfdyn.evaluation import reports
    from tfdyn.training.distribution import Distribution, WorkerLostError

    settings = from_flags(Settings)
    name = commands.flagfile_name() or f"{settings.network}_{settings.dataset}"
    distribution = Distribution(FLAGS.strategy)
    run_dir = FLAGS.run_dir or f"runs/{name}"
    try:
        folder = train(settings, run_dir, distribution=distribution)
    except WorkerLostError as error:
        print(f"{error}. Starting again, to go on when it is back", file=sys.stderr)
        commands.start_again()
    if FLAGS.evaluate and distribution.is_chief:
        content = evaluate(folder.path)
        print(f"wrote {folder}/evaluation.json and evaluation.png\n")
        print(reports.table(content, folder))


if __name__ == "__main__":
    define_flags(Settings)
    flags.adopt_module_key_flags(fields)  # so that --help lists them
    flags.DEFINE_string(
        "run_dir", None, "The run's folder (default: runs/ and the flagfile's name)."
    )
    flags.DEFINE_enum(
        "strategy",
        "one_device",
        ("one_device", "mirrored", "multi_worker"),
        "mirrored: all GPUs of this machine; multi_worker: the machines in TF_CONFIG.",
    )
    flags.DEFINE_bool("evaluate", True, "Evaluate on the test set at the end.")
    commands.run(
        main, "interrupted: the same command goes on after the last whole epoch"
    )
