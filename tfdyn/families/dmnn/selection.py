"""GateSelection: turns a router's logits into the sub-blocks that run."""

import keras
from keras import ops

from tfdyn.layers import quantization
from tfdyn.routing import selection


@keras.saving.register_keras_serializable("tfdyn")
class GateSelection(keras.layers.Layer):
    """Decides whether each sub-block runs, independently of the others.

    In training a sub-block runs if its logit of running, with Gumbel noise, is the
    larger of the two. The gradient is that of the softmax (DMNN eq. 8,
    straight-through). In inference there is no noise, and a sub-block runs if its
    probability of not running is below the threshold T.

    All routers of a network share one `GateSelection`. Its scalar variable
    `noise_scale`, 1 at first, multiplies the noise; a training may change it.

    Args:
        noise: Boolean, whether there is Gumbel noise in training.
        seed: Integer, seed of the noise; `None` for a random seed.

    Call arguments:
        logits: Tensor `(batch, sub_blocks, 2)`, first of not running, then of running.
        threshold: T in (0, 1], a scalar, for inference only. With 0.5 the larger logit
            decides; with 1 all sub-blocks run.

    Returns:
        Float32 tensor `(batch, sub_blocks)`: 1 for a sub-block that runs, else 0.
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
        off, on = ops.unstack(quantization.exact(ops.softmax(scores)), axis=-1)
        if not training:
            return selection.threshold_gates(off, threshold)
        return selection.straight_through(on, selection.threshold_gates(off, 0.5))

    def probabilities(self, logits):
        """Returns probabilities `(batch, sub_blocks, 2)`, without noise."""
        return ops.softmax(ops.cast(logits, "float32"))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[:-1])

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        return {**config, "noise": self.noise, "seed": self.seed}
