"""GateRouter: decides which sub-blocks of a block run."""

import keras
from keras import layers, ops

from tfdyn.layers.batch_normalization import BatchNormalization


@keras.saving.register_keras_serializable("tfdyn")
class GateRouter(keras.layers.Layer):
    """Computes a state and, from it, logits to run each sub-block of a block.

    It is the gate controller of DMNN (section 3.2, eqs. 5 to 8). The state is the
    output of global average pooling and a dense layer with ReLU. With `previous_state`,
    another dense layer with ReLU reads the previous router's state, and its output is
    added. A last dense layer computes the logits from the state.

    Input: tensor `(batch, height, width, channels)`, the input of the block; with
    `previous_state`, a pair of this and the previous router's state `(batch, units)`.
    Output: a pair of float32 tensors: logits `(batch, sub_blocks, 2)`, first of not
    running, then of running; and the state `(batch, units)`.

    Args:
        sub_blocks: Integer N, number of sub-blocks of the block.
        units: Integer d, size of the state.
        previous_state: Boolean, whether the router reads the state of the router
            before it.
        normalized: Boolean, whether the first dense layer has batch normalisation
            instead of a bias. Then the states of different images differ even if their
            pooled features are nearly the same. The paper has no normalisation.
    """

    kind = "router"

    def __init__(
        self, sub_blocks, units=32, previous_state=False, normalized=False, **kwargs
    ):
        # The layers cast their inputs themselves, so that states stay in float32.
        super().__init__(**{"autocast": False, **kwargs})
        self.sub_blocks, self.units = sub_blocks, units
        self.previous_state = previous_state
        self.pool = layers.GlobalAveragePooling2D(data_format="channels_last")
        self.embed = layers.Dense(units, use_bias=not normalized, dtype="float32")
        self.normalize = None
        if normalized:
            self.normalize = BatchNormalization(momentum=0.9, dtype="float32")
        self.recall = None
        if previous_state:
            self.recall = layers.Dense(units, "relu", dtype="float32")
        self.decide = layers.Dense(2 * sub_blocks, dtype="float32")
        self.split = layers.Reshape((sub_blocks, 2), dtype="float32")

    def build(self, input_shape):
        features, state = input_shape, (None, self.units)
        if self.recall:
            features, state = input_shape
            self.recall.build(state)
        self.pool.build(features)
        self.embed.build(self.pool.compute_output_shape(features))
        if self.normalize:
            self.normalize.build(state)
        self.decide.build(state)

    def call(self, inputs, training=None):
        features, previous = inputs if self.recall else (inputs, None)
        state = self.embed(self.pool(features))
        if self.normalize:
            state = self.normalize(state, training=training)
        state = ops.relu(state)
        if self.recall:
            state = state + self.recall(previous)
        return self.split(self.decide(state)), state

    def compute_output_shape(self, input_shape):
        batch = (input_shape[0] if self.recall else input_shape)[0]
        return (batch, self.sub_blocks, 2), (batch, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "sub_blocks": self.sub_blocks,
            "units": self.units,
            "previous_state": self.previous_state,
            "normalized": self.normalize is not None,
        }
