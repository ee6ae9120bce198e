"""GateRouter: decides which sub-blocks of a block run."""

import keras
from keras import layers, ops

from tfdyn.families.dmnn.rate_control import hold_mean
from tfdyn.layers.batch_normalization import BatchNormalization
from tfdyn.layers.beliefs import Beliefs


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
    running, then of running; and the state `(batch, units)`. With `classes`, a third
    tensor has the logits `(batch, classes)` of what the network believes.

    Args:
        sub_blocks: Integer N, number of sub-blocks of the block.
        units: Integer d, size of the state.
        previous_state: Boolean, whether the router reads the state of the router
            before it.
        normalized: Boolean, whether the first dense layer has batch normalisation
            instead of a bias. Then the states of different images differ even if their
            pooled features are nearly the same. The paper has no normalisation.
        classes: Integer, number of classes for `Beliefs`, whose certainty is a part of
            the state; 0 for none, as in the paper.
        moved_bias: Boolean. If true, the biases of the logits are not learnt. One for
            each sub-block, `bias`, is added to the logit of running, and a training
            moves it (`tfdyn.families.dmnn.rate_control`). The other weights then learn
            only differences between images. Not so in the paper.
    """

    kind = "router"
    added_arguments = {"classes": 0, "moved_bias": False}

    def __init__(
        self,
        sub_blocks,
        units=32,
        previous_state=False,
        normalized=False,
        classes=0,
        moved_bias=False,
        **kwargs,
    ):
        # The layers cast their inputs themselves, so that states stay in float32.
        super().__init__(**{"autocast": False, **kwargs})
        self.sub_blocks, self.units = sub_blocks, units
        self.previous_state, self.moved_bias = previous_state, moved_bias
        self.pool = layers.GlobalAveragePooling2D(data_format="channels_last")
        self.embed = layers.Dense(units, use_bias=not normalized, dtype="float32")
        self.normalize = None
        if normalized:
            self.normalize = BatchNormalization(momentum=0.9, dtype="float32")
        self.recall = None
        if previous_state:
            self.recall = layers.Dense(units, "relu", dtype="float32")
        self.beliefs = self.weigh = None
        if classes:
            self.beliefs = Beliefs(classes)
            self.weigh = layers.Dense(units, use_bias=False, dtype="float32")
        self.decide = layers.Dense(
            2 * sub_blocks, use_bias=not moved_bias, dtype="float32"
        )
        self.split = layers.Reshape((sub_blocks, 2), dtype="float32")

    def build(self, input_shape):
        features, state = input_shape, (None, self.units)
        if self.recall:
            features, state = input_shape
            self.recall.build(state)
        self.pool.build(features)
        pooled = self.pool.compute_output_shape(features)
        self.embed.build(pooled)
        if self.beliefs:
            self.beliefs.build(pooled)
            self.weigh.build(self.beliefs.compute_output_shape(pooled)[1])
        if self.normalize:
            self.normalize.build(state)
        self.decide.build(state)
        if self.moved_bias:
            self.bias = self.add_weight(
                (self.sub_blocks,), "zeros", "float32", trainable=False, name="bias"
            )

    def call(self, inputs, training=None):
        features, previous = inputs if self.recall else (inputs, None)
        pooled = self.pool(features)
        state = self.embed(pooled)
        if self.normalize:
            state = self.normalize(state, training=training)
        belief_logits = None
        if self.beliefs:
            belief_logits, certainty = self.beliefs(pooled)
            state = state + self.weigh(certainty)
        state = ops.relu(state)
        if self.recall:
            state = state + self.recall(previous)
        logits = self.split(self.decide(state))
        if self.moved_bias:
            logits = hold_mean(logits) if training else logits
            bias = ops.convert_to_tensor(self.bias)
            logits = logits + ops.stack([ops.zeros_like(bias), bias], axis=-1)
        return (logits, state, belief_logits) if self.beliefs else (logits, state)

    def compute_output_shape(self, input_shape):
        batch = (input_shape[0] if self.recall else input_shape)[0]
        shapes = (batch, self.sub_blocks, 2), (batch, self.units)
        if not self.beliefs:
            return shapes
        return (*shapes, (batch, self.beliefs.num_classes))

    def get_config(self):
        return {
            **super().get_config(),
            "sub_blocks": self.sub_blocks,
            "units": self.units,
            "previous_state": self.previous_state,
            "normalized": self.normalize is not None,
            "classes": self.beliefs.num_classes if self.beliefs else 0,
            "moved_bias": self.moved_bias,
        }
