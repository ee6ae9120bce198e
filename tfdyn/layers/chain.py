"""Chain: a layer that runs several layers one after the other."""

import keras

from tfdyn.layers import quantization, sharing

NORM = keras.layers.BatchNormalization
# Devices run a layer of the first kind and those of the second that follow it as one
# operation, whose output alone is rounded to 8 bits.
FUSING = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense, NORM)
FUSED = (NORM, keras.layers.ReLU)
# Layers whose output keeps the scale of their input in 8 bits.
SAME_SCALE = (
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.Reshape,
)


@keras.saving.register_keras_serializable("tfdyn")
class Chain(keras.layers.Layer):
    """Runs layers one after the other.

    `keras.Sequential` traces its layers when it is built. A chain calls them anew in
    each call, so that the scopes of `tfdyn.layers.execution` and
    `tfdyn.layers.sharing` hold for its layers too. A subclass may create the layers
    in its constructor.

    Args:
        chain: Sequence of Keras layers. The first gets the inputs, each later one gets
            the outputs of the layer before it.
    """

    def __init__(self, chain, **kwargs):
        super().__init__(**kwargs)
        self.chain = list(chain)

    def build(self, input_shape):
        for layer in self.chain:
            if layer.get_build_config() is None:
                layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs):
        for index, layer in enumerate(self.chain):
            inputs = sharing.call(layer, inputs)
            if self._ends_group(index):
                inputs = quantization.point(inputs, self, index)
        return inputs

    def _ends_group(self, index):
        """Returns whether a layer's output has a scale of its own in 8 bits."""
        layer, following = self.chain[index], self.chain[index + 1 : index + 2]
        fused = isinstance(layer, FUSING) and any(
            isinstance(each, FUSED) for each in following
        )
        return not fused and not isinstance(layer, SAME_SCALE)

    def compute_output_shape(self, input_shape):
        for layer in self.chain:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self):
        config = super().get_config()
        if type(self) is Chain:
            config["chain"] = keras.saving.serialize_keras_object(self.chain)
        return config

    @classmethod
    def from_config(cls, config):
        if "chain" in config:
            chain = keras.saving.deserialize_keras_object(config["chain"])
            config = {**config, "chain": chain}
        return cls(**config)


def build_layer(layer: keras.Layer, input_shape: tuple) -> tuple:
    """Builds a layer, and returns the shape of its output.

    Args:
        layer: Keras layer.
        input_shape: Shape of its input, with the batch axis.
    """
    layer.build(input_shape)
    return layer.compute_output_shape(input_shape)
