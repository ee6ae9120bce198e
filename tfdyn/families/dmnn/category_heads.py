"""The category heads of DMNN: classifiers of its routers' states, in training only."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("tfdyn")
class CategoryHeads(keras.layers.Layer):
    """One dense layer for each router, which classifies its state (DMNN, equation 9).

    The heads exist during training only.

    Input: list of R states `(batch, units)`, one for each router.
    Output: logits `(batch, R, num_categories)`, float32.

    Args:
        num_categories: Integer K, number of categories.
    """

    def __init__(self, num_categories, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.num_categories, self.heads = num_categories, []

    def build(self, input_shape):
        self.heads = [
            layers.Dense(self.num_categories, dtype="float32") for _ in input_shape
        ]
        for head, shape in zip(self.heads, input_shape, strict=True):
            head.build(shape)

    def call(self, inputs):
        pairs = zip(self.heads, inputs, strict=True)
        return ops.stack([head(state) for head, state in pairs], axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], len(input_shape), self.num_categories)

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        return {**config, "num_categories": self.num_categories}
