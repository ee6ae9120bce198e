"""The training loop: stages, epochs and steps, resumed from the last epoch."""

import keras
import numpy as np
import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.training.checkpoints import Checkpoints
from tfdyn.training.distribution import Distribution

LOSS = "The training loss"


class DivergedError(UserError):
    """A loss or a weight is no longer a finite number."""


class TrainingLoop:
    """Runs the stages of a training.

    Killed at any moment and run again with the same arguments, it goes on after the
    last whole epoch and ends as it would have. All that is random in an epoch
    depends on the seed and the epoch alone, so no generator's state is kept.

    Args:
        model: `RoutedModel`.
        stages: List of `Stage`.
        batches: Function from the epoch (0-based, over all stages) to an iterable
            of `(images, labels)`, always the same for an epoch.
        steps: Number of batches of an epoch.
        folder: Where checkpoints are kept.
        seed: Seed of noise and drops.
        validate: Function of T (`None`: the model's own) that returns a dict of
            numbers, logged after each epoch as `val_NAME`; or `None`.
        callbacks: Keras callbacks. `on_epoch_end` sees all logs of the epoch.
        distribution: `Distribution` in whose scope the model was made, and over which
            `batches` are split; its chief alone writes checkpoints.
    """

    def __init__(
        self,
        model,
        stages,
        batches,
        steps,
        folder,
        seed=0,
        validate=None,
        callbacks=(),
        distribution=None,
    ):
        self.model, self.stages, self.batches = model, stages, batches
        self.steps, self.seed, self.validate = steps, seed, validate
        self.distribution = distribution or Distribution()
        self.epochs = sum(stage.epochs for stage in stages)
        self.checkpoints = Checkpoints(folder, model)
        self._params = {"epochs": self.epochs, "steps": steps}
        self.callbacks = keras.callbacks.CallbackList(
            list(callbacks), model=model, **self._params
        )

    def run(self):
        """Trains to the end of the last stage.

        Raises:
            DivergedError: If the loss is not finite; the last checkpoint stays.
            ValueError: If a checkpoint cannot be read.
        """
        done = self.distribution.from_chief(self.checkpoints.last_epoch())
        if done >= self.epochs:
            self.checkpoints.restore(with_optimizer=False)
            return
        self.callbacks.on_train_begin({"epoch": done})
        first = 0
        for stage in self.stages:
            last = first + stage.epochs
            if done < last:
                with self.distribution.scope():
                    turns = self._begin(stage)
                    if done and first <= done:
                        self.checkpoints.restore(with_optimizer=first < done)
                    if done <= first:
                        # What the chief wrote in the stage before is there to be read.
                        self.distribution.from_chief(0)
                        stage.start()
                for epoch in range(max(done, first), last):
                    turn = turns[(epoch - first) % len(turns)]
                    self._epoch(turn, stage, epoch, epoch - first)
            first = last
        self.callbacks.on_train_end()

    def _begin(self, stage):
        """Returns each turn of a stage with its optimizer and its training step."""
        model, turns = self.model, []
        for turn in stage.turns or (stage,):
            turn.begin()
            model.compile(turn.optimizer(), loss=turn.loss)
            model.optimizer.build(model.trainable_variables)
            turns.append((turn, model.optimizer, self._step()))
        self.checkpoints.optimizers = [optimizer for _, optimizer, _ in turns]
        return turns

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
        self.callbacks.set_params({**self._params, "stage": turn.name})
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
        # Where it is a constant, it is a variable, mirrored on all replicas.
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        logs["learning_rate"] = float(rate)
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
            what = f"the loss at step {step + 1}"
            raise _diverged(what, stage, epoch) from error
        weights = self.model.weights
        if not all(np.isfinite(keras.ops.convert_to_numpy(w)).all() for w in weights):
            raise _diverged("a weight after the last step", stage, epoch)


def _diverged(what, stage, epoch):
    kept = f"; the checkpoint of epoch {epoch} is kept" if epoch else ""
    return DivergedError(
        f"Training stopped: {what} of epoch {epoch + 1} ({stage.name}) is not a finite "
        f"number{kept}. Try a lower --{stage.name}_learning_rate, in another --run_dir."
    )


def reseed(model, seed, epoch):
    """Sets the random generators of a model to a state of the seed and the epoch."""
    weights = {id(weight) for weight in model.weights}
    states = [v for v in model.variables if id(v) not in weights]
    sequence = np.random.SeedSequence([seed, epoch])
    for state, child in zip(states, sequence.spawn(len(states)), strict=True):
        state.assign(child.generate_state(2).astype(state.dtype))
