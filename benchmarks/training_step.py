"""Compares a training step of tfdyn's DRNet with one of `PlainDRNet`.

`python -m benchmarks.training_step --flagfile=configs/drnet_s.flags --batch_size=64`
"""

import json
import statistics
from collections.abc import Callable

import keras
import tensorflow as tf
from absl import flags

from benchmarks import timing
from benchmarks.plain_drnet import PlainDRNet
from tfdyn import commands
from tfdyn.data.dataset import input_format_of
from tfdyn.families.drnet.stages import drnet_stages
from tfdyn.families.networks import build_network
from tfdyn.families.settings import Settings
from tfdyn.models.family import TrainingContext
from tfdyn.settings import fields
from tfdyn.settings.fields import define_flags, from_flags
from tfdyn.settings.flagfiles import to_flagfile
from tfdyn.text import align
from tfdyn.training.distribution import Distribution

FLAGS = flags.FLAGS
FORMS = ("tfdyn", "plain")


def make_step(settings: Settings, form: str) -> Callable[[], float]:
    """Returns a function that trains for one step of stage 2 and returns the loss.

    Every step trains on the same batch of random images.

    Args:
        settings: `Settings` of a DRNet.
        form: "tfdyn"; or "plain": `PlainDRNet` with the SGD and the batch
            normalisation of Keras, and regularizers instead of weight decay.

    Raises:
        UserError: If a setting does not fit the network.
    """
    keras.utils.set_random_seed(settings.seed)
    input_format = input_format_of(
        settings.dataset, settings.data_dir, settings.image_size
    )
    shape, num_classes = input_format.shape, len(input_format.class_names)
    model = build_network(settings, shape, num_classes)
    context = TrainingContext(1000, input_format, run=None)
    stage = drnet_stages(settings, model, context)[-1]
    optimizer = stage.optimizer()
    if form == "plain":
        plain = PlainDRNet.from_config(model.get_config())
        plain.set_weights(model.get_weights())
        model = plain
        optimizer = keras.optimizers.SGD(
            settings.finetune_learning_rate, settings.momentum, settings.nesterov
        )
        model.compile(optimizer, stage.loss, settings.weight_decay)
    else:
        model.compile(optimizer, stage.loss)
    model.optimizer.build(model.trainable_variables)
    images = tf.random.stateless_normal((settings.batch_size, *shape), (0, 0))
    labels = tf.range(settings.batch_size) % num_classes
    step = Distribution().step(model.train_step)
    return lambda: float(step((images, labels))["loss"])


def measure(settings: Settings, rounds: int) -> dict:
    """Measures the speed and the memory of both forms of a training step.

    Args:
        settings: `Settings` of a DRNet.
        rounds: Number of times that each form's step is timed.

    Returns:
        A dict ready for JSON: `network`, `batch_size`; under `forms`, for each form,
        `first_step_s` (seconds from the start of a process to the end of its first
        step), `peak_memory_mib`, `step_s` (seconds, the median) and `images_per_s`;
        and `ratio`, the time of tfdyn's step divided by that of the plain one, with
        its quartiles.

    Raises:
        UserError: If a setting does not fit the network.
    """
    flagfile = to_flagfile(settings).splitlines()
    forms = {}
    for form in FORMS:  # First, while this process is still small.
        first, process = timing.in_a_process(
            "benchmarks.training_step", f"--form={form}", *flagfile
        )
        forms[form] = {"first_step_s": first, **process}
    steps = {form: make_step(settings, form) for form in FORMS}
    seconds = timing.alternate(steps, rounds)
    for form, row in forms.items():
        row["step_s"] = statistics.median(seconds[form])
        row["images_per_s"] = settings.batch_size / row["step_s"]
    return {
        "network": settings.network,
        "batch_size": settings.batch_size,
        "forms": forms,
        **timing.comparison(seconds["tfdyn"], seconds["plain"]),
    }


def table(content: dict) -> str:
    """Returns the results of `measure` as text.

    Args:
        content: What `measure` returned.
    """
    rows = [["", "step", "images/s", "first step", "memory"]]
    for form, row in content["forms"].items():
        rows.append(
            [
                form,
                f"{row['step_s']:.3f} s",
                f"{row['images_per_s']:.1f}",
                f"{row['first_step_s']:.1f} s",
                f"{row['peak_memory_mib']:.0f} MiB",
            ]
        )
    low, high = content["ratio_quartiles"]
    return (
        f"{align(rows)}\n\n{content['network']}, batch {content['batch_size']}: a step "
        f"takes {content['ratio']:.3f} of the plain one's time (median of "
        f"{content['rounds']} rounds; quartiles {low:.3f} to {high:.3f})"
    )


def main() -> None:
    """Runs the command on the flags."""
    settings = from_flags(Settings)
    if FLAGS.form:
        step = make_step(settings, FLAGS.form)
        print(step(), flush=True)
        for _ in range(3):
            step()
        print(json.dumps({"peak_memory_mib": timing.peak_memory()}))
        return
    content = measure(settings, FLAGS.rounds)
    commands.report(content, table(content))


if __name__ == "__main__":
    define_flags(Settings)
    flags.adopt_module_key_flags(fields)  # So that --help lists them.
    flags.DEFINE_integer(
        "rounds", 20, "Number of times that each form's step is timed.", lower_bound=2
    )
    flags.DEFINE_enum(
        "form", None, FORMS, "Measure only the first step and the memory of this form."
    )
    commands.define_json()
    commands.run(main)
