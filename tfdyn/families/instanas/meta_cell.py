"""MetaCell: modules side by side, those selected summed (InstaNAS section 3.2)."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.layers.mixed_op import MixedOp


@keras.saving.register_keras_serializable("tfdyn")
class MetaCell(keras.layers.Layer):
    """A cell of the meta-graph: the sum of its selected modules.

    Where none is selected, a cell that keeps its input's shape passes its input on.

    Args:
        modules: Layers, as of `tfdyn.families.instanas.search_space`.
        passes_on: Whether it does; if not, routes select a module (`PolicySelection`).

    Call arguments:
        inputs: Tensor `(batch, height, width, channels)`.
        weights: Tensor `(batch, modules)`; 0 means that the module does not run.

    Returns:
        Tensor of the shape of a module's output.
    """

    def __init__(self, modules, passes_on=False, **kwargs):
        # Weights stay in float32.
        super().__init__(**{"autocast": False, **kwargs})
        self.passes_on = passes_on
        self.mixed_op = MixedOp(modules, name=f"{self.name}_modules")

    def build(self, input_shape):
        self.mixed_op.build(input_shape)
        output_shape = self.mixed_op.compute_output_shape(input_shape)
        if self.passes_on and tuple(output_shape[1:]) != tuple(input_shape[1:]):
            raise UserError(
                f"{self.name} cannot pass its input on: the input is "
                f"{tuple(input_shape[1:])}, the output {tuple(output_shape[1:])}. Use "
                f"passes_on=False, and let routes select a module."
            )

    def call(self, inputs, weights):
        inputs = ops.cast(inputs, self.compute_dtype)
        initial = None
        if self.passes_on:
            none = ops.cast(ops.all(weights == 0, axis=-1), inputs.dtype)
            initial = inputs * ops.reshape(none, (-1, 1, 1, 1))
        return self.mixed_op(inputs, weights, initial=initial)

    def compute_output_shape(self, input_shape):
        return self.mixed_op.compute_output_shape(input_shape)

    def get_config(self):
        branches = self.mixed_op.branches
        modules = [keras.saving.serialize_keras_object(b) for b in branches]
        config = {"modules": modules, "passes_on": self.passes_on}
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config):
        modules = [keras.saving.deserialize_keras_object(m) for m in config["modules"]]
        return cls(**{**config, "modules": modules})
