"""PolicySelection: turns the router's logits into the modules that run."""

import keras
import numpy as np
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.instanas import policies
from tfdyn.layers import quantization
from tfdyn.routing import selection


@keras.saving.register_keras_serializable("tfdyn")
class PolicySelection(keras.layers.Layer):
    """Decides whether each module runs, independently of the others (section 3.3).

    A module runs if its probability of not running is below the threshold T. If no
    module of a cell is selected, and the cell cannot pass its input on, its fallback
    module runs (section 4.1). It is added here, not in the cell: so the route holds all
    modules that run, and their costs only need to be summed.

    For training, `drop` and `explore` draw policies at random. The probability with
    which `drop` drops a module is the scalar variable `drop_rate`, which a training may
    change.

    Args:
        fallbacks: List with the index of the fallback module of each cell, an integer,
            or `None` for a cell that can pass its input on.
        alpha: Float from 0.5 to 1, encouragement parameter of `explore`.
        seed: Integer, seed of the draws; `None` for a random seed.

    Call arguments:
        logits: Tensor `(batch, cells, modules)`, the logits of the modules to run.
        threshold: T in (0, 1], a scalar or a tensor `(cells,)`. With 0.5 a module runs
            if its logit is above 0; with 1 all modules run.

    Returns:
        Policy `(batch, cells, modules)`, float32: 1 for a module that runs, else 0.

    Raises:
        UserError: If `alpha` is out of its range; in `build`, if there is not one
            fallback for each cell.
    """

    def __init__(self, fallbacks, alpha=0.8, seed=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        if not 0.5 <= alpha <= 1:
            raise UserError(
                f"alpha must be from 0.5 (all at random) to 1 (the router's "
                f"probabilities); got {alpha!r}."
            )
        self.fallbacks, self.alpha, self.seed = list(fallbacks), alpha, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        _, cells, modules = input_shape
        if len(self.fallbacks) != cells:
            raise UserError(
                f"fallbacks must have an index, or None, for each of the {cells} "
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
        off = quantization.exact(ops.sigmoid(-logits))
        policy = selection.threshold_gates(off, threshold)
        return self.complete(policy)

    def complete(self, policy):
        """Returns a policy with the fallback modules of cells without a module.

        Args:
            policy: Policy, tensor `(batch, cells, modules)`.

        Returns:
            Policy that all cells can run, float32 tensor `(batch, cells, modules)`.
        """
        return policies.with_fallback(policy, self._fallback)

    def drop(self, batch):
        """Draws a policy in which each module is dropped with probability `drop_rate`.

        Args:
            batch: Integer, number of images.

        Returns:
            Policy with fallbacks, float32 tensor `(batch, cells, modules)`.
        """
        shape = (batch, *self._fallback.shape)
        keep = 1.0 - self.drop_rate
        return self.complete(
            policies.sample(ops.broadcast_to(keep, shape), self.seed_generator)
        )

    def explore(self, logits):
        """Draws a policy from the router's probabilities, moved towards 0.5.

        Args:
            logits: Tensor `(batch, cells, modules)`, the logits of the modules to run.

        Returns:
            Pair of tensors `(batch, cells, modules)`: the policy, without fallbacks,
            and the probabilities p' that it was drawn from. Only the probabilities have
            gradients.
        """
        probabilities = policies.exploration_probabilities(
            ops.sigmoid(logits), self.alpha
        )
        policy = policies.sample(probabilities, self.seed_generator)
        return ops.stop_gradient(policy), probabilities

    def probabilities(self, logits):
        """Returns the probabilities of each module not to run, and to run.

        Args:
            logits: Tensor `(batch, cells, modules)`, the logits of the modules to run.

        Returns:
            Float32 tensor `(batch, cells * modules, 2)`, without exploration.
        """
        pairs = ops.stack([ops.sigmoid(-logits), ops.sigmoid(logits)], axis=-1)
        return ops.reshape(pairs, (-1, self._fallback.size, 2))

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
