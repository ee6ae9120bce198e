"""The layers of a codebook: routers that predict, and corrections of the logits."""

import keras
from keras import layers, ops

from tfdyn.layers.batch_normalization import BatchNormalization
from tfdyn.layers.beliefs import Beliefs


@keras.saving.register_keras_serializable("tfdyn")
class ChoiceRouter(keras.layers.Layer):
    """Computes a logit for each route: is its answer right for this image?

    It reads the pooled features at one place of the network and what the network
    believes there (`Beliefs`). No gradient of its logits flows into the features.

    Input: tensor `(batch, height, width, channels)`.
    Output: pair of float32 tensors, logits `(batch, routes)` and the logits
    `(batch, num_classes)` of the belief.

    Args:
        routes: Integer, number of routes.
        num_classes: Integer, number of classes.
        units: Integer, size of the hidden layer.
    """

    kind = "router"

    def __init__(self, routes, num_classes, units=32, **kwargs):
        # The layers cast their inputs themselves.
        super().__init__(**{"autocast": False, **kwargs})
        self.routes, self.num_classes, self.units = routes, num_classes, units
        self.pool = layers.GlobalAveragePooling2D(data_format="channels_last")
        self.normalize = BatchNormalization(momentum=0.9, dtype="float32")
        self.beliefs = Beliefs(num_classes)
        self.join = layers.Concatenate(dtype="float32")
        self.embed = layers.Dense(units, "relu", dtype="float32")
        self.decide = layers.Dense(routes, dtype="float32")

    def build(self, input_shape):
        pooled = (input_shape[0], input_shape[-1])
        self.pool.build(input_shape)
        self.normalize.build(pooled)
        self.beliefs.build(pooled)
        _, certainty = self.beliefs.compute_output_shape(pooled)
        self.join.build([pooled, certainty])
        self.embed.build((pooled[0], pooled[1] + certainty[1]))
        self.decide.build((pooled[0], self.units))

    def call(self, inputs, training=None):
        pooled = ops.cast(self.pool(inputs), "float32")
        belief_logits, certainty = self.beliefs(pooled)
        features = self.normalize(ops.stop_gradient(pooled), training=training)
        return self.decide(self.embed(self.join([features, certainty]))), belief_logits

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.routes), (input_shape[0], self.num_classes)

    def get_config(self):
        return {
            **super().get_config(),
            "routes": self.routes,
            "num_classes": self.num_classes,
            "units": self.units,
        }


@keras.saving.register_keras_serializable("tfdyn")
class Correction(keras.layers.Layer):
    """Computes for each route of a codebook what to add to the logits.

    Input: tensor `(batch, height, width, channels)`, the features after the last part.
    Output: float32 tensor `(batch, routes, num_classes)`, 0 at first.

    Args:
        routes: Integer, number of routes.
        num_classes: Integer, number of classes.
    """

    kind = "head"

    def __init__(self, routes, num_classes, **kwargs):
        # The layers cast their inputs themselves.
        super().__init__(**{"autocast": False, **kwargs})
        self.routes, self.num_classes = routes, num_classes
        self.pool = layers.GlobalAveragePooling2D(data_format="channels_last")
        self.classify = layers.Dense(
            routes * num_classes, kernel_initializer="zeros", dtype="float32"
        )
        self.split = layers.Reshape((routes, num_classes), dtype="float32")

    def build(self, input_shape):
        self.pool.build(input_shape)
        self.classify.build((input_shape[0], input_shape[-1]))

    def call(self, inputs):
        return self.split(self.classify(self.pool(inputs)))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.routes, self.num_classes)

    def get_config(self):
        config = {"routes": self.routes, "num_classes": self.num_classes}
        return {**super().get_config(), **config}
