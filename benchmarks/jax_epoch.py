"""JaxStage: an epoch of a training as one function that JAX compiles."""

import contextlib
import importlib
import time
from concurrent.futures import Executor

import keras
import numpy as np

from benchmarks import jax_images
from tfdyn.data.input_format import InputFormat
from tfdyn.families.settings import Settings
from tfdyn.losses import labels as label_checks
from tfdyn.models.routed_model import RoutedModel
from tfdyn.training.seeds import reseed
from tfdyn.training.stage import Stage

jax = importlib.import_module("jax")  # By its name, because JAX is no requirement.
jnp = jax.numpy


class JaxStage:
    """Runs the epochs of a `Stage`, with all images in the memory of the device.

    The compiled function takes all variables as arguments: those of the model, of the
    optimizer and of the loss. So one compilation serves all epochs and all seeds.

    Args:
        stage: `Stage` without turns.
        model: `RoutedModel` of the stage. It holds the weights between two epochs.
        settings: `Settings` of the training.
        input_format: `InputFormat` of the images.
        images: uint8 JAX array `(images, height, width, channels)`.
        labels: int32 JAX array `(images,)`, which have passed `check_labels`.
        executor: Executor that compiles in the background.
    """

    def __init__(
        self,
        stage: Stage,
        model: RoutedModel,
        settings: Settings,
        input_format: InputFormat,
        images,
        labels,
        executor: Executor,
    ):
        self.stage, self.model, self.settings = stage, model, settings
        self.input_format, self.images, self.labels = input_format, images, labels
        stage.begin()
        self.optimizer = stage.optimizer()
        self.optimizer.build(model.trainable_variables)
        self._begin = [np.array(each.value) for each in self.optimizer.variables]
        self._others = self._variables_of_loss()
        key = jax.random.key(0)
        function = jax.jit(self._run, donate_argnums=0)
        lowered = function.lower(*self._state(), key, images, labels)
        self._compiled = executor.submit(_compile, lowered, stage.name)

    def begin(self) -> None:
        """Prepares the first epoch of a seed: the optimizer begins anew."""
        self.stage.begin()
        assign(self.optimizer.variables, self._begin)
        self.stage.start()

    def epoch(self, number: int, stage_epoch: int, seed: int) -> dict[str, float]:
        """Trains for an epoch.

        Args:
            number: Number of the epoch over all stages, from 0.
            stage_epoch: Number of the epoch in this stage, from 0.
            seed: Seed of the run.

        Returns:
            Dict of the logs: `loss`, `accuracy` and `expected_macs`, means over the
            epoch; the values of the schedules; and `learning_rate` after the last step.
        """
        self.stage.begin()
        values = {}
        for name, (variable, schedule) in self.stage.schedules.items():
            values[name] = float(schedule(stage_epoch, self.stage.epochs))
            variable.assign(values[name])
        reseed(self.model, seed, number)
        key = jax.random.fold_in(jax.random.key(seed), number)
        state, others = self._state()
        compiled = self._compiled.result()
        state, logs = compiled(state, others, key, self.images, self.labels)
        for variables, arrays in zip(self._variables(), state, strict=True):
            assign(variables, arrays)
        logs = {name: float(value) for name, value in logs.items()}
        return {**logs, **values, "learning_rate": float(self.optimizer.learning_rate)}

    def _variables_of_loss(self):
        """Returns the variables that neither the model nor the optimizer has."""
        scheduled = [variable for variable, _ in self.stage.schedules.values()]
        candidates = [*vars(self.stage.loss).values(), *scheduled]
        known = {id(each) for each in self.model.variables}
        return list(
            {
                id(each): each
                for each in candidates
                if isinstance(each, keras.Variable) and id(each) not in known
            }.values()
        )

    def _variables(self):
        model = self.model
        return (
            model.trainable_variables,
            model.non_trainable_variables,
            self.optimizer.variables,
        )

    def _state(self):
        """Returns the arrays of the state that steps change, and those of the loss."""
        state = tuple([each.value for each in part] for part in self._variables())
        return state, [each.value for each in self._others]

    def _run(self, state, others, key, images, labels):
        """Returns the state after an epoch, and the means of its logs."""
        batch_size = self.settings.batch_size
        steps = len(images) // batch_size
        order_key, key = jax.random.split(key)
        order = jax.random.permutation(order_key, len(images))
        order = order[: steps * batch_size].reshape(steps, batch_size)

        def step(state, inputs):
            indices, key = inputs
            batch = jax_images.augment(
                images[indices], key, self.settings, self.input_format
            )
            return self._step(state, others, batch, labels[indices])

        state, logs = jax.lax.scan(step, state, (order, jax.random.split(key, steps)))
        return state, {name: jnp.mean(values) for name, values in logs.items()}

    def _step(self, state, others, images, labels):
        model, optimizer = self.model, self.optimizer
        trainable, non_trainable, optimizer_state = state

        def loss_of(trainable):
            outputs, changed, losses = model.stateless_call(
                trainable, non_trainable, images, training=True, return_losses=True
            )
            with contextlib.ExitStack() as stack:
                values = zip(self._others, others, strict=True)
                stack.enter_context(keras.StatelessScope(list(values)))
                stack.enter_context(label_checks.checked())
                loss = self.stage.loss(labels, outputs) + sum(losses)
            return loss, (outputs, changed)

        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (outputs, non_trainable)), gradients = gradient(trainable)
        trainable, optimizer_state = optimizer.stateless_apply(
            optimizer_state, gradients, trainable
        )
        cost = model.route_cost
        right = jnp.argmax(outputs["logits"], axis=-1) == labels
        logs = {
            "loss": loss,
            "accuracy": jnp.mean(right.astype("float32")),
            "expected_macs": jnp.mean(cost.fixed + cost.expected(outputs["route"])),
        }
        return (trainable, non_trainable, optimizer_state), logs


class JaxValidation:
    """Measures accuracy and MACs at a threshold T, all branches computed.

    Args:
        model: `RoutedModel`.
        input_format: `InputFormat` of the images.
        images: uint8 array `(images, height, width, channels)`.
        labels: int32 array `(images,)`.
        executor: Executor that compiles in the background.
        batch_size: Number of images in a batch.
    """

    def __init__(
        self,
        model: RoutedModel,
        input_format: InputFormat,
        images: np.ndarray,
        labels: np.ndarray,
        executor: Executor,
        batch_size: int = 500,
    ):
        self.model, self.input_format = model, input_format
        batch_size = min(batch_size, len(labels))
        # The last batch is filled up with images of the label -1, which do not count.
        count = -(-len(labels) // batch_size) * batch_size
        filled = np.zeros((count, *images.shape[1:]), "uint8")
        filled[: len(labels)] = images
        targets = np.full(count, -1, "int32")
        targets[: len(labels)] = labels
        self.images = jnp.asarray(filled.reshape(-1, batch_size, *images.shape[1:]))
        self.labels = jnp.asarray(targets.reshape(-1, batch_size))
        lowered = jax.jit(self._run).lower(*self._arguments(None))
        self._compiled = executor.submit(_compile, lowered, "validation")

    def __call__(self, threshold: float | None = None) -> dict[str, float]:
        """Evaluates the model with its present weights.

        Args:
            threshold: T, or `None` for the threshold of the model.

        Returns:
            Dict of `val_accuracy` and `val_macs_mean`.
        """
        results = self._compiled.result()(*self._arguments(threshold))
        return {name: float(value) for name, value in results.items()}

    def _arguments(self, threshold):
        arrays = [each.value for each in self.model.variables]
        return arrays, self.model.thresholds(threshold), self.images, self.labels

    def _run(self, arrays, threshold, images, labels):
        def sums(inputs):
            images, labels = inputs
            images = self.input_format.normalize(images)
            with keras.StatelessScope(zip(self.model.variables, arrays, strict=True)):
                outputs = self.model(images, threshold=threshold, training=False)
            right = jnp.argmax(outputs["logits"], axis=-1) == labels
            macs = self.model.route_cost.total(outputs["route"])
            counted = labels >= 0
            return jnp.sum(right & counted), jnp.sum(macs * counted)

        right, macs = jax.lax.map(sums, (images, labels))
        count = jnp.sum(labels >= 0)
        return {
            "val_accuracy": jnp.sum(right) / count,
            "val_macs_mean": jnp.sum(macs / count),
        }


def _compile(lowered, name):
    start = time.perf_counter()
    compiled = lowered.compile()
    print(f"{name} compiled in {time.perf_counter() - start:.1f} s", flush=True)
    return compiled


def assign(variables, arrays) -> None:
    """Sets Keras variables to arrays of the same shapes."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
