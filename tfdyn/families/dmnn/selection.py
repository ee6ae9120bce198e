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

    The noise is multiplied by `noise_scale`, a scalar variable, 1 at first, that a
    training changes as it goes.

    Args:
        noise: Whether training has Gumbel noise.
        seed: Seed of the noise, an integer.

    Call arguments:
        logits: `(batch, gates, 2)`, of being shut and of being open.
        threshold: T in (0, 1], a scalar; 0.5 is the argmax, 1 opens all.

    Returns:
        `(batch, gates)`, float32: 1 where a gate is open, else 0.
    """

    def __init__(self, noise=True, seed=None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.noise, self.seed = noise, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape=None):
        self.noise_scale = self.add_weight(
            (), "ones", dtype="float32", trainable=False, name="noise_scale"
        )

    def call(self, logits, threshold=0.5, training=None):
        noise = None
        if training and self.noise:
            noise = selection.gumbel_noise(ops.shape(logits), self.seed_generator)
            noise *= self.noise_scale
        scores = selection.branch_scores(logits, temperature=1.0, noise=noise)
        off, on = ops.unstack(ops.softmax(scores), axis=-1)
        if not training:
            return selection.threshold_gates(off, threshold)
        return selection.straight_through(on, selection.threshold_gates(off, 0.5))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[:-1])

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        return {**config, "noise": self.noise, "seed": self.seed}
