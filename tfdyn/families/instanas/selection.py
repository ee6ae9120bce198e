"""PolicySelection: from the router's logits to the modules that run."""

import keras
import numpy as np
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.instanas import policies
from tfdyn.routing import selection


@keras.saving.register_keras_serializable("tfdyn")
class PolicySelection(keras.layers.Layer):
    """Selects modules, each by itself, and the fallbacks that make a policy a route.

    A module runs where its probability of not running is below the threshold T: at
    T=0.5 where it is more likely to run, at T=1 always. A cell that cannot pass its
    input on falls back to one module where none is selected: here, so that the cost
    of a route is linear in it (InstaNAS sections 3.3 and 4.1).

    For training it draws policies too; `drop_rate` is a scalar variable that a training
    changes as it goes.

    Args:
        fallbacks: Index of the module that each cell falls back to, or `None` for one
            that may run none.
        alpha: Encouragement parameter of the exploration.
        seed: Seed of draws and drops, an integer.

    Call arguments:
        logits: `(batch, cells, modules)`, of each module's probability to run.
        threshold: T in (0, 1], a scalar or `(cells,)`.

    Returns:
        Policy `(batch, cells, modules)`, float32: 1 where a module runs, else 0.
    """

    def __init__(self, fallbacks, alpha=0.8, seed=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        if not 0.5 <= alpha <= 1:
            raise UserError(
                f"alpha must be from 0.5 (all at random) to 1 (the router's own "
                f"probabilities); got {alpha!r}."
            )
        self.fallbacks, self.alpha, self.seed = list(fallbacks), alpha, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        _, cells, modules = input_shape
        if len(self.fallbacks) != cells:
            raise UserError(
                f"A selection needs a fallback, or None, for each of the {cells} "
                f"cells; got {len(self.fallbacks)}."
            )
        self._fallback = np.zeros((cells, modules), "float32")
        for cell, index in enumerate(self.fallbacks):
            if index is not None:
                self._fallback[cell, index] = 1.0
        self.drop_rate = self.add_weight(
            (), "zeros", dtype="float32", trainable=False, name="drop_rate"
        )

    def call(self, logits, threshold=0.5):
        threshold = ops.cast(threshold, "float32")
        if len(threshold.shape):
            threshold = ops.expand_dims(threshold, -1)
        policy = selection.threshold_gates(ops.sigmoid(-logits), threshold)
        return self.complete(policy)

    def complete(self, policy):
        """Returns a policy with the fallbacks that it needs, which is a route."""
        return policies.with_fallback(policy, self._fallback)

    def drop(self, batch):
        """Returns a route for each of a batch: all modules, but for those dropped."""
        shape = (batch, *self._fallback.shape)
        keep = 1.0 - self.drop_rate
        return self.complete(
            policies.sample(ops.broadcast_to(keep, shape), self.seed_generator)
        )

    def explore(self, logits):
        """Draws a policy for each of a batch; it may yet need fallbacks.

        Args:
            logits: As for the call.

        Returns:
            The policy, and the probabilities p' that it was drawn from, which carry
            gradients.
        """
        encouraged = policies.encouraged(ops.sigmoid(logits), self.alpha)
        drawn = policies.sample(encouraged, self.seed_generator)
        return ops.stop_gradient(drawn), encouraged

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        return {
            **config,
            "fallbacks": self.fallbacks,
            "alpha": self.alpha,
            "seed": self.seed,
        }
