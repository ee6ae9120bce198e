"""Chain: layers that run one after the other, as one layer."""

import keras

from tfdyn.layers import sharing


@keras.saving.register_keras_serializable("tfdyn")
class Chain(keras.layers.Layer):
    """Runs layers one after the other; a subclass may choose them itself.

    Unlike `keras.Sequential` it makes no graph of its own, so that a scope that
    is read at call time (`tfdyn.layers.execution`) holds inside.

    Args:
        chain: The layers.
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
            chain = [keras.saving.serialize_keras_object(c) for c in self.chain]
            config["chain"] = chain
        return config

    @classmethod
    def from_config(cls, config):
        if "chain" in config:
            chain = [keras.saving.deserialize_keras_object(c) for c in config["chain"]]
            config = {**config, "chain": chain}
        return cls(**config)
