"""MetaCell: sums the modules that a route selects (InstaNAS section 3.2)."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.layers.mixed_op import MixedOp


@keras.saving.register_keras_serializable("tfdyn")
class MetaCell(keras.layers.Layer):
    """Sums the outputs of the selected modules of one cell of the meta-graph.

    Args:
        modules: List of layers, such as those of
            `tfdyn.families.instanas.search_space`.
        passes_on: Boolean, whether the output is the input if no module is selected.
            The modules must keep the shape then. If it is false, each route must
            select a module, which `PolicySelection` ensures.

    Call arguments:
        inputs: Tensor `(batch, height, width, channels)`.
        weights: Tensor `(batch, modules)`; 0 means that the module does not run.

    Returns:
        Tensor of the shape of a module's output.

    Raises:
        UserError: In `build`, if the cell passes its input on and the modules change
            its shape.
    """

    def __init__(self, modules, passes_on=False, **kwargs):
        # The layers cast their inputs themselves, so that `weights` stay in float32.
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
                f"passes_on=False, and routes that select a module."
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
