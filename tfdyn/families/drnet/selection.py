"""BranchSelection: from router logits to routes, with what training changes."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.routing import selection


@keras.saving.register_keras_serializable("tfdyn")
class BranchSelection(keras.layers.Layer):
    """Turns router logits into a route; all cells of a network share one.

    In training the route is dense: Gumbel-Softmax of the logits (DRNet eq. 4), or
    a plain softmax, without noise. In inference there is no noise, and the route
    keeps the smallest set of branches whose weights reach the threshold T.

    `temperature`, `drop_connection` and `drop_branch` are scalar variables that a
    training changes as it goes.

    Args:
        method: "gumbel_softmax", "softmax" or "none" (no router: equal weights for
            all branches, at any T).
        temperature: Initial tau > 0.
        seed: Seed of noise and drops, an integer.

    Call arguments:
        logits: `(batch, connections, branches)`.
        threshold: T in (0, 1], a scalar or `(connections,)`.

    Returns:
        `(route, weights)`, both `(batch, connections, branches)`, float32. The
        branches are to be weighted by `weights`, which in training has the dropped
        ones at zero; costs are counted on `route`, which has no drops.
    """

    def __init__(self, method="gumbel_softmax", temperature=3.0, seed=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        if method not in selection.METHODS:
            raise UserError(
                f"The selection method is one of {', '.join(selection.METHODS)}; got "
                f"{method!r}."
            )
        if not temperature > 0:
            raise UserError(
                f"The temperature must be above 0 (3 is usual); got {temperature!r}."
            )
        self.method, self.seed = method, seed
        self.initial_temperature = float(temperature)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape=None):
        values = {
            "temperature": self.initial_temperature,
            "drop_connection": 0.0,
            "drop_branch": 0.0,
        }
        for name, value in values.items():
            variable = self.add_weight(
                (),
                keras.initializers.Constant(value),
                dtype="float32",
                trainable=False,
                name=name,
            )
            setattr(self, name, variable)

    def call(self, logits, threshold=1.0, training=None):
        noise = None
        if self.method == "none":
            logits = ops.zeros_like(logits)
        elif self.method == "gumbel_softmax" and training:
            noise = selection.gumbel_noise(ops.shape(logits), self.seed_generator)
        scores = selection.branch_scores(logits, self.temperature, noise)
        weights = ops.softmax(scores)
        if not training:
            if self.method != "none":
                weights = selection.threshold_route(weights, threshold)
            return weights, weights
        kept = selection.drop_branches(scores, self.drop_branch, self.seed_generator)
        applied = selection.drop_connections(
            ops.softmax(kept), self.drop_connection, self.seed_generator
        )
        return weights, applied

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        temperature = self.initial_temperature
        return {
            **config,
            "method": self.method,
            "temperature": temperature,
            "seed": self.seed,
        }
