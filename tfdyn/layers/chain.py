"""Chain: a layer that runs several layers one after the other."""

import keras

from tfdyn.layers import sharing


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
        for layer in self.chain:
            inputs = sharing.call(layer, inputs)
        return inputs

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
