"""BranchSelection: turns a router's logits into a route."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.layers import quantization
from tfdyn.routing import selection

# For each selection, the additional arguments of DRNet's call that change its result.
CALL_OPTIONS = {
    "gumbel_softmax": ("noise", "temperature"),
    "softmax": ("temperature",),
    "none": (),
}


@keras.saving.register_keras_serializable("tfdyn")
class BranchSelection(keras.layers.Layer):
    """Turns a router's logits into the weights of the branches.

    In training all branches have a weight: the softmax of the logits, with Gumbel
    noise (DRNet eq. 4) or without. In inference each connection runs the fewest
    branches whose weights sum to at least the threshold T. The papers do not say
    whether there is noise then. By default there is none.

    All cells of a network share one `BranchSelection`. It has four scalar variables
    that a training may change: `temperature`, the probabilities `drop_connection` and
    `drop_branch` with which it drops connections and branches, and `noise_scale`, 1 at
    first, which multiplies the noise.

    Args:
        method: String. "gumbel_softmax": with Gumbel noise in training. "softmax":
            without noise. "none": all branches have equal weights at any T.
        temperature: Float above 0, initial value of the temperature tau.
        seed: Integer, seed of the noise and of the drops; `None` for a random seed.

    Call arguments:
        logits: Tensor `(batch, connections, branches)`.
        threshold: T in (0, 1], a scalar or a tensor `(connections,)`, for inference
            only. With 1 all branches run.
        training: Boolean, whether this is training.
        noise: Boolean, whether there is Gumbel noise, if the method is
            "gumbel_softmax". `None`: in training alone.
        temperature: Float above 0 that replaces the variable `temperature`, or `None`.

    Returns:
        Pair `(route, weights)` of float32 tensors `(batch, connections, branches)`.
        Costs are computed from `route`, and outputs are multiplied by `weights`. The
        two differ in training only: in `weights` dropped branches are 0.

    Raises:
        UserError: If there is no such method, or the temperature is not above 0.
    """

    def __init__(self, method="gumbel_softmax", temperature=3.0, seed=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        if method not in selection.METHODS:
            raise UserError(
                f"The selection method must be one of "
                f"{', '.join(selection.METHODS)}; got {method!r}."
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
            "noise_scale": 1.0,
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

    def call(self, logits, threshold=1.0, training=None, noise=None, temperature=None):
        noise = training if noise is None else noise
        temperature = self.temperature if temperature is None else temperature
        draws = None
        if self.method == "none":
            logits = ops.zeros_like(logits)
        elif self.method == "gumbel_softmax" and noise:
            draws = selection.gumbel_noise(ops.shape(logits), self.seed_generator)
            draws *= self.noise_scale
        scores = selection.branch_scores(logits, temperature, draws)
        weights = quantization.exact(ops.softmax(scores))
        if not training:
            if self.method != "none":
                weights = selection.threshold_route(weights, threshold)
            return weights, weights
        scores = selection.drop_branches(scores, self.drop_branch, self.seed_generator)
        applied = selection.drop_connections(
            ops.softmax(scores), self.drop_connection, self.seed_generator
        )
        return weights, applied

    def probabilities(self, logits):
        """Returns what `logits` weigh branches without noise, drops and threshold.

        Args:
            logits: Tensor `(batch, connections, branches)`.

        Returns:
            Float32 tensor of the shape of `logits`. Its last axis sums to 1.
        """
        return ops.softmax(selection.branch_scores(logits, self.temperature))

    def load_own_variables(self, store):
        # Models that were saved before there was `noise_scale` lack it.
        if "3" not in store.keys():
            store = {name: store[name] for name in store.keys()} | {"3": 1.0}
        super().load_own_variables(store)

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        return {
            **config,
            "method": self.method,
            "temperature": self.initial_temperature,
            "seed": self.seed,
        }
