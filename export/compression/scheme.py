"""Scheme: TFMOT's rounding to 8 bits, with the weights before a ReLU rounded too.

TFMOT 0.8.1 leaves the weights of a convolution without batch norm as they are if a ReLU
layer follows (`LayerReLUQuantize`), though the device rounds them.

Only `export.compression.worker` imports this file.
"""

import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_transforms as transforms,
)
from tensorflow_model_optimization.python.core.quantization.keras.graph_transformations import (  # noqa: E501
    model_transformer,
)

Default = tfmot.quantization.keras.default_8bit.Default8BitQuantizeScheme
KeepZeros = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme


def scheme(keep_zeros: bool):
    """Returns a scheme for `quantize_apply`.

    Args:
        keep_zeros: Whether weights that are 0 stay 0 (TFMOT's prune-preserving one).
    """
    base = KeepZeros if keep_zeros else Default

    class Scheme(base):
        def get_layout_transformer(self):
            return _Layout(keep_zeros)

    return Scheme()


class WeightsOnly(tfmot.quantization.keras.QuantizeConfig):
    """Rounds the weights of a layer as the scheme does, and not its output.

    Args:
        keep_zeros: As for `scheme`.
    """

    def __init__(self, keep_zeros: bool):
        self._keep_zeros = keep_zeros

    def _of(self, layer):
        scheme = KeepZeros() if self._keep_zeros else Default()
        return scheme.get_quantize_registry().get_quantize_config(layer)

    def get_weights_and_quantizers(self, layer):
        return self._of(layer).get_weights_and_quantizers(layer)

    def set_quantize_weights(self, layer, quantize_weights):
        self._of(layer).set_quantize_weights(layer, quantize_weights)

    def get_activations_and_quantizers(self, layer):
        return []

    def set_quantize_activations(self, layer, quantize_activations):
        pass

    def get_output_quantizers(self, layer):
        return []

    def get_config(self):
        return {"keep_zeros": self._keep_zeros}


class _Layout:
    """Decides where activations are rounded; models here have no batch norm."""

    def __init__(self, keep_zeros):
        self._keep_zeros = keep_zeros

    def apply(self, model, layer_quantize_map):
        concatenations = (
            transforms.ConcatTransform6Inputs,
            transforms.ConcatTransform5Inputs,
            transforms.ConcatTransform4Inputs,
            transforms.ConcatTransform3Inputs,
            transforms.ConcatTransform,
        )
        return model_transformer.ModelTransformer(
            model,
            [
                transforms.InputLayerQuantize(),
                *(each() for each in concatenations),
                _BeforeReLU(self._keep_zeros),
            ],
            set(layer_quantize_map),
            layer_quantize_map,
        ).transform()


class _BeforeReLU(transforms.LayerReLUQuantize):
    def __init__(self, keep_zeros):
        self._keep_zeros = keep_zeros

    def replacement(self, match_layer):
        layer = match_layer.input_layers[0]
        if layer.layer["class_name"] == "Add":
            return super().replacement(match_layer)
        layer.metadata["quantize_config"] = WeightsOnly(self._keep_zeros)
        return match_layer

    def custom_objects(self):
        return {**super().custom_objects(), "WeightsOnly": WeightsOnly}
