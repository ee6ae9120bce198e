"""TrainingLoop: runs the stages, epochs and steps of a training, and resumes it."""

from collections.abc import Callable
from typing import TextIO

import keras
import numpy as np
import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.training.checkpoints import Checkpoints
from tfdyn.training.distribution import Distribution
from tfdyn.training.seeds import reseed
from tfdyn.training.stage import Stage

LOSS = "The training loss"


class DivergedError(UserError):
    """A loss or a weight is no longer a finite number."""


class TrainingLoop:
    """Runs the stages of a training.

    A training may be killed at any moment. If it is run again with the same arguments,
    it resumes after the last complete epoch and gives the same result as without the
    interruption. All random numbers of an epoch depend on the seed and on the number
    of the epoch alone, so the state of the generators need not be saved.

    Args:
        model: `RoutedModel`.
        stages: List of `Stage`.
        batches: Function from the number of the epoch (from 0, over all stages) to an
            iterable of `(images, labels)`. It returns the same batches whenever it is
            called with the same number.
        steps: Integer, the number of batches in an epoch.
        folder: Path of the folder of checkpoints.
        seed: Integer, the seed of noise and of dropped branches.
        validate: Function of T (`None`: the threshold of the model) that returns a dict
            of numbers. They are logged after each epoch as `val_NAME`. `None`: no
            validation.
        callbacks: Sequence of Keras callbacks. `on_epoch_end` receives all logs of the
            epoch.
        distribution: `Distribution` whose scope the model was created in, and which
            splits `batches`. Only its chief writes checkpoints. Default: one device.
        output: Text stream for messages. Default: standard error.
    """

    def __init__(
        self,
        model: keras.Model,
        stages: list[Stage],
        batches: Callable,
        steps: int,
        folder,
        seed: int = 0,
        validate: Callable | None = None,
        callbacks=(),
        distribution: Distribution | None = None,
        output: TextIO | None = None,
    ):
        self.model, self.stages, self.batches = model, stages, batches
        self.steps, self.seed, self.validate = steps, seed, validate
        self.distribution = distribution or Distribution()
        self.epochs = sum(stage.epochs for stage in stages)
        self.checkpoints = Checkpoints(folder, model, output)
        self._params = {"epochs": self.epochs, "steps": steps}
        self.callbacks = keras.callbacks.CallbackList(
            list(callbacks), model=model, **self._params
        )

    def run(self) -> None:
        """Trains to the end of the last stage.

        Raises:
            DivergedError: If the loss or a weight is not finite. The last checkpoint
                is kept.
            UserError: If no checkpoint can be read, or the newest has more epochs than
                the training.
        """
        last = self.checkpoints.last_epoch() if self.distribution.is_chief else 0
        start = self.distribution.from_chief(last)
        if start > self.epochs:
            raise UserError(
                f"{self.checkpoints.folder} holds a checkpoint of epoch {start}, but "
                f"this training has {self.epochs} epochs: it is of another run. Remove "
                f"its files epoch-{start}.*, or choose another --run_dir."
            )
        if start == self.epochs:
            self.checkpoints.restore(start, with_optimizer=False)
            self.stages[-1].end()
            return
        self.callbacks.on_train_begin({"epoch": start})
        first = 0
        for stage in self.stages:
            end = first + stage.epochs
            if start < end:
                with self.distribution.scope():
                    turns = self._begin(stage)
                    if start and first <= start:
                        self.checkpoints.restore(start, first < start)
                        self._set_iterations(turns, start - first)
                    if start <= first:
                        # Waits for the chief, whose files `stage.start` may read.
                        self.distribution.from_chief(0)
                        stage.start()
                for epoch in range(max(start, first), end):
                    turn = turns[(epoch - first) % len(turns)]
                    self._epoch(turn, stage, epoch, epoch - first)
            first = end
        self.stages[-1].end()
        self.callbacks.on_train_end()

    def _begin(self, stage):
        """Returns a list of `(turn, optimizer, training step)` for a stage."""
        model, turns = self.model, []
        for turn in stage.turns or (stage,):
            turn.begin()
            model.compile(turn.optimizer(), loss=turn.loss)
            model.optimizer.build(model.trainable_variables)
            turns.append((turn, model.optimizer, self._step()))
        self.checkpoints.optimizers = [optimizer for _, optimizer, _ in turns]
        return turns

    def _set_iterations(self, turns, epochs):
        """Sets where the schedules of learning rates are, after epochs of a stage.

        The checkpoint has this too, unless an earlier rung of a search wrote it.
        """
        for index, (_, optimizer, _) in enumerate(turns):
            epochs_of_turn = len(range(index, epochs, len(turns)))
            optimizer.iterations.assign(epochs_of_turn * self.steps)

    def _step(self):
        def train_step(batch):
            logs = self.model.train_step(batch)
            tf.debugging.check_numerics(logs["loss"], LOSS)
            return logs

        return self.distribution.step(train_step)

    def _epoch(self, turn, stage, epoch, stage_epoch):
        turn, optimizer, train_step = turn
        turn.begin()
        self.model.optimizer, self.model.routing_loss = optimizer, turn.loss
        place = {"stage": turn.name, "stage_start": epoch - stage_epoch}
        self.callbacks.set_params({**self._params, **place})
        values = {}
        for name, (variable, schedule) in stage.schedules.items():
            values[name] = float(schedule(stage_epoch, stage.epochs))
            variable.assign(values[name])
        reseed(self.model, self.seed, epoch)
        self.model.reset_metrics()
        self.callbacks.on_epoch_begin(epoch)
        self._steps(train_step, turn, epoch)
        logs = self.model.get_metrics_result()
        logs = {name: float(value) for name, value in logs.items()} | values
        # A constant learning rate is a variable with a copy on each replica.
        learning_rate = self.model.optimizer.learning_rate
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(learning_rate))
        if self.validate:
            results = self.validate(turn.threshold)
            logs |= {f"val_{name}": value for name, value in results.items()}
        self.callbacks.on_epoch_end(epoch, logs)
        if self.distribution.is_chief:
            self.checkpoints.save(epoch + 1)

    def _steps(self, train_step, stage, epoch):
        step = 0
        try:
            for step, batch in zip(
                range(self.steps), self.batches(epoch), strict=False
            ):
                self.callbacks.on_train_batch_begin(step)
                logs = train_step(batch)
                self.callbacks.on_train_batch_end(step, logs)
        except tf.errors.InvalidArgumentError as error:
            if LOSS not in error.message:
                raise
            quantity = f"the loss at step {step + 1}"
            raise _diverged(quantity, stage, epoch) from error
        weights = self.model.weights
        if not all(np.isfinite(keras.ops.convert_to_numpy(w)).all() for w in weights):
            raise _diverged("a weight after the last step", stage, epoch)


def _diverged(quantity, stage, epoch):
    checkpoint = f"; the checkpoint of epoch {epoch} is kept" if epoch else ""
    return DivergedError(
        f"Training stopped: {quantity} of epoch {epoch + 1} ({stage.name}) is not a "
        f"finite number{checkpoint}. Try a lower --{stage.name}_learning_rate, in "
        f"another --run_dir."
    )
