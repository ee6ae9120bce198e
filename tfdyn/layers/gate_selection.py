"""GateSelection: from a router's logits to which sub-blocks run."""

import keras
from keras import ops

from tfdyn.routing import selection


@keras.saving.register_keras_serializable("tfdyn")
class GateSelection(keras.layers.Layer):
    """Opens or shuts each gate by itself; all routers of a network share one.

    In training it is the argmax of the logits with Gumbel noise, its gradient that of
    their softmax (DMNN eq. 8, straight-through). In inference there is no noise, and a
    gate is open where its probability of being shut is below the threshold T.

    Two scalar variables are what a training changes as it goes: `noise_scale`, 1 at
    first, by which the noise is multiplied, and `training_threshold`, the T of
    training, 0.5 at first.

    Args:
        noise: Whether training has Gumbel noise.
        seed: Seed of the noise, an integer.

    Call arguments:
        logits: `(batch, gates, 2)`, of being shut and of being open.
        threshold: T of inference, a scalar in (0, 1]; 0.5 is the argmax, 1 opens all.

    Returns:
        `(batch, gates)`, float32: 1 where a gate is open, else 0.
    """

    def __init__(self, noise=True, seed=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.noise, self.seed = noise, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape=None):
        def scalar(name, value):
            initial = keras.initializers.Constant(value)
            return self.add_weight((), initial, "float32", trainable=False, name=name)

        self.noise_scale = scalar("noise_scale", 1.0)
        self.training_threshold = scalar("training_threshold", 0.5)

    def call(self, logits, threshold=0.5, training=None):
        noise = None
        if training and self.noise:
            noise = selection.gumbel_noise(ops.shape(logits), self.seed_generator)
            noise *= self.noise_scale
        scores = selection.branch_scores(logits, temperature=1.0, noise=noise)
        off, on = ops.unstack(ops.softmax(scores), axis=-1)
        if not training:
            return selection.threshold_gates(off, threshold)
        gates = selection.threshold_gates(off, self.training_threshold)
        return selection.straight_through(on, gates)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[:-1])

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        return {**config, "noise": self.noise, "seed": self.seed}
