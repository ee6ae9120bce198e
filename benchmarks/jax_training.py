"""Trains a network on one device with JAX, without TensorFlow, for several seeds.

`KERAS_BACKEND=jax python -m benchmarks.jax_training --flagfile=configs/dmnn_xs.flags
--images=cifar10.npz --seeds=0,1,2 --output=weights.npz`

All images lie in the memory of the device, and an epoch is one compiled function. The
training is that of `python -m tfdyn.train`, with other random numbers. There are no
checkpoints: the file of weights is written after each seed. `benchmarks.jax_runs` makes
run folders of it. With `--worth_at`, what the router is worth (`tfdyn.router_worth`) is
measured after each seed, too.

This makes the file of images:

    import numpy as np, tensorflow_datasets as tfds
    data = tfds.as_numpy(tfds.load("cifar10", batch_size=-1))
    train, test = data["train"], data["test"]
    np.savez("cifar10.npz", xt=train["image"], yt=train["label"],
             xe=test["image"], ye=test["label"])
"""

import concurrent.futures
import dataclasses
import functools
import importlib
import math
import os
import sys
import time

import keras
import numpy as np
from absl import flags

from benchmarks.jax_depthwise import use_shifted_products
from benchmarks.jax_weights import read_settings, read_weights, write
from tfdyn import commands
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.evaluation.codebook_search import routes_of
from tfdyn.evaluation.router_worth import RouterWorth
from tfdyn.families.codebook import routes_file
from tfdyn.families.networks import build_network, family_of_run
from tfdyn.families.settings import Settings
from tfdyn.models.family import TrainingContext
from tfdyn.models.routed_model import RoutedModel
from tfdyn.routing.threshold import check_threshold
from tfdyn.runs.precision import dtype_policy
from tfdyn.runs.transfer import copy_weights
from tfdyn.settings import fields
from tfdyn.settings.fields import define_flags, from_flags
from tfdyn.settings.flagfiles import to_flagfile

FLAGS = flags.FLAGS


def build(settings: Settings, input_format: InputFormat) -> RoutedModel:
    """Builds a network with the initial weights of a seed.

    Args:
        settings: `Settings` with the seed.
        input_format: `InputFormat` of the images.

    Raises:
        UserError: If a setting does not fit the network.
    """
    jax = importlib.import_module("jax")  # By its name, because it is no requirement.
    keras.utils.set_random_seed(settings.seed)
    classes = len(input_format.class_names)
    # Each initializer is compiled, which is faster for the CPU.
    cpu = jax.default_device(jax.local_devices(backend="cpu")[0])
    with cpu, dtype_policy(settings.dtype_policy):
        return build_network(settings, input_format.shape, classes)


class JaxTraining:
    """Trains a network for one seed after another.

    Args:
        settings: `Settings` of the training; their seed is not used.
        path: Path of the NPZ file of images, as in `benchmarks.jax_images.load`.
        measures_worth: Whether `worth` will be called, which needs test images.

    Raises:
        UserError: If a setting does not fit the network or a training on JAX, the
            images are not as described, or the worth of a router cannot be measured.
    """

    def __init__(self, settings: Settings, path, measures_worth: bool = False):
        # Here, because these files import JAX.
        from benchmarks import jax_epoch, jax_images

        self.settings = settings
        self.input_format = jax_images.input_format_of(settings)
        train, validation = jax_images.load(path, settings, self.input_format)
        if measures_worth and not len(validation[1]):
            raise UserError(
                "--worth_at chooses fixed routes on images that are held out, and "
                "--validation_share=0 holds out none: hold out some, or leave it out."
            )
        self.model = build(settings, self.input_format)
        if measures_worth:
            self._passes = self._passes_over(validation, path)
        self._assign = jax_epoch.assign
        self._set_weights_of(self.model)
        steps = len(train[1]) // settings.batch_size
        batches = None
        if len(validation[1]):
            batches = functools.partial(
                jax_images.batches, *validation, self.input_format
            )
        context = TrainingContext(steps, self.input_format, None, sys.stdout, batches)
        stages = family_of_run(settings).stages(settings, self.model, context)
        if any(stage.turns for stage in stages):
            raise UserError(
                f"--network={settings.network} has a stage whose epochs take turns, "
                f"which trainings on JAX do not have. Train with tfdyn.train instead."
            )
        print(f"{len(train[1])} images for training, {len(validation[1])} held out")
        images, labels = map(keras.ops.convert_to_tensor, train)
        executor = concurrent.futures.ThreadPoolExecutor()
        arguments = (self.model, settings, self.input_format)
        self.stages = [
            jax_epoch.JaxStage(stage, *arguments, images, labels, executor)
            for stage in stages
        ]
        self.validate = lambda threshold: {}
        if len(validation[1]):
            self.validate = jax_epoch.JaxValidation(
                self.model, self.input_format, *validation, executor
            )

    def run(self, seed: int, source: RoutedModel | None = None) -> list[dict]:
        """Trains from the initial weights of a seed to the end of the last stage.

        Args:
            seed: Seed of the initial weights, the order of images and the noise.
            source: Trained network to begin with, as --init_from of tfdyn.train.

        Returns:
            The logs of all epochs, a dict for each. The model has the final weights.

        Raises:
            UserError: If the loss is no longer finite, or `source` is another network.
        """
        settings = dataclasses.replace(self.settings, seed=seed)
        model = build(settings, self.input_format)
        if source is not None:
            copy_weights(source, model)
        self._set_weights_of(model)
        rows, epochs = [], sum(stage.stage.epochs for stage in self.stages)
        for stage in self.stages:
            stage.begin()
            for stage_epoch in range(stage.stage.epochs):
                start = time.perf_counter()
                logs = stage.epoch(len(rows), stage_epoch, seed)
                logs |= self.validate(stage.stage.threshold)
                seconds = time.perf_counter() - start
                rows.append({"epoch": len(rows) + 1, "stage": stage.stage.name, **logs})
                text = ", ".join(f"{name} {value:.5g}" for name, value in logs.items())
                print(
                    f"seed {seed}, {stage.stage.name}, epoch {len(rows)}/{epochs}: "
                    f"{text} ({seconds:.2f} s)",
                    flush=True,
                )
                if not math.isfinite(logs["loss"]):
                    raise UserError(
                        f"The loss of epoch {len(rows)} is not a finite number. Try a "
                        f"lower --{stage.stage.name}_learning_rate."
                    )
        self.stages[-1].stage.end()
        return rows

    def worth(self, thresholds: list[float], routes: int) -> dict:
        """Compares the router with fixed routes, as `python -m tfdyn.router_worth`.

        Args:
            thresholds: Values of T.
            routes: Largest number of fixed routes to try on the validation images.

        Returns:
            What `RouterWorth.content` returns, with the number of `examples`.
        """
        content = self._worth().content(thresholds, routes)
        return {"examples": len(self._passes.splits["test"][1]), **content}

    def write_codebook(
        self, path, thresholds: list[float], routes: int, size: int, least_cost: float
    ) -> None:
        """Finds the routes of a codebook, as `python -m tfdyn.codebook`.

        Args:
            path: Path of the JSON file to write.
            thresholds: Values of T at which the routes in use are tried first.
            routes: Largest number of fixed routes to try on the validation images.
            size: Largest number of routes to choose.
            least_cost: Each route costs at least this share of the most expensive.
        """
        kept, costs, accuracy = routes_of(
            self.model, self._worth(), thresholds, routes, size, least_cost
        )
        for row in zip(costs, accuracy, kept, strict=True):
            text = self.model.route_spec.to_text(row[-1])
            print(f"route of {row[0]:.3f}, {row[1]:.2%}: {text}", flush=True)
        whole_routes, spec = self.model.unpruned(kept)
        network = self.settings.network
        routes_file.save(path, whole_routes, costs, spec, network)

    def _passes_over(self, validation, path):
        """Returns the passes that `worth` needs, and reads the test images."""
        from benchmarks import jax_images, jax_passes

        if not self.model.has_routers:
            raise UserError("--worth_at: the network has no router; leave it out.")
        test = jax_images.load_test(path, self.input_format)
        splits = {"validation": validation, "test": test}
        return jax_passes.JaxPasses(self.model, self.input_format, splits)

    def _worth(self):
        return RouterWorth(self.model, None, self._passes)

    def _set_weights_of(self, model):
        """Moves the variables of a model, seeds included, to the device."""
        # As arrays of NumPy: two models with one array would lose it in a step.
        arrays = [np.array(variable.value) for variable in model.variables]
        self._assign(self.model.variables, arrays)


def trained(path, seed: int, input_format: InputFormat) -> RoutedModel:
    """Builds the network of a file of weights.

    Args:
        path: Path of the NPZ file that this command wrote.
        seed: Seed of the training.
        input_format: `InputFormat` of the images.
    """
    model = build(read_settings(path), input_format)
    for weight, array in zip(model.weights, read_weights(path, seed), strict=True):
        weight.assign(array)
    return model


def main() -> None:
    """Runs the command on the flags."""
    if keras.backend.backend() != "jax":
        raise UserError("This command needs the environment KERAS_BACKEND=jax.")
    use_shifted_products()
    start = time.perf_counter()
    settings, seeds = from_flags(Settings), [int(seed) for seed in FLAGS.seeds]
    arrays = {"settings": to_flagfile(settings)}
    try:
        worth_at = check_threshold(FLAGS.worth_at) if FLAGS.worth_at else []
    except UserError as error:
        raise UserError(f"--worth_at: {error}") from error
    if FLAGS.codebook_output and not worth_at:
        raise UserError("--codebook_output needs --worth_at.")
    training = JaxTraining(settings, FLAGS.images, measures_worth=bool(worth_at))
    logs, worth = {}, {}
    print(f"built and traced in {time.perf_counter() - start:.1f} s", flush=True)
    for seed in seeds:
        source = None
        if FLAGS.init_weights:
            source = trained(FLAGS.init_weights, seed, training.input_format)
        logs[seed] = training.run(seed, source)
        for index, weight in enumerate(training.model.weights):
            arrays[f"seed{seed}/{index:04d}"] = np.array(weight.value, "float32")
        # Now, because what follows may take minutes.
        write(FLAGS.output, arrays, logs, worth)
        if worth_at:
            worth[seed] = training.worth(worth_at, FLAGS.routes)
            write(FLAGS.output, arrays, logs, worth)
        if FLAGS.codebook_output:
            path = FLAGS.codebook_output.format(seed=seed)
            sizes = FLAGS.codebook_size, FLAGS.least_cost
            training.write_codebook(path, worth_at, FLAGS.routes, *sizes)
        size = os.path.getsize(FLAGS.output) / 2**20
        print(f"wrote {FLAGS.output}, {size:.1f} MiB", flush=True)


if __name__ == "__main__":
    define_flags(Settings)
    flags.adopt_module_key_flags(fields)  # So that --help lists them.
    flags.DEFINE_string(
        "images", None, "NPZ file of images: xt, yt; for --worth_at also xe, ye."
    )
    flags.DEFINE_list("seeds", ["0"], "Seeds to train with, separated by commas.")
    flags.DEFINE_string("output", None, "NPZ file to write the weights to.")
    flags.DEFINE_string(
        "init_weights",
        None,
        "NPZ file of this command. Each seed begins with its own weights, as with "
        "--init_from of tfdyn.train.",
    )
    flags.DEFINE_list(
        "worth_at", [], "Values of T at which the worth of the router is measured."
    )
    flags.DEFINE_integer("routes", 128, "As of tfdyn.router_worth.", lower_bound=2)
    flags.DEFINE_string(
        "codebook_output",
        None,
        "JSON file for a codebook of each seed, as of tfdyn.codebook; {seed} in the "
        "name stands for the seed. It needs --worth_at.",
    )
    flags.DEFINE_integer("codebook_size", 6, "As --size of tfdyn.codebook.")
    flags.DEFINE_float("least_cost", 0.3, "As of tfdyn.codebook.")
    flags.mark_flags_as_required(["images", "output"])
    commands.run(main, tensorflow=False)
