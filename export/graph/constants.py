"""Constants: a scope in which a model's variables are constants of the graph."""

import keras
import tensorflow as tf


class Constants(keras.StatelessScope):
    """Gives every read of a variable as a constant of the graph being traced.

    Inside a branch of `tf.cond` the constant is thus made in there, as XNNPACK needs
    it: weights made outside come in as arguments, which leaves the branch to slow
    kernels.

    ```python
    @tf.function
    def serve(image):
        with constants:  # made before the tracing
            return model(image)
    ```

    Args:
        model: Built Keras model, whose present values are kept.
    """

    def __init__(self, model):
        super().__init__()
        self._values = {id(v): (v, v.numpy()) for v in model.variables}

    def get_current_value(self, variable):
        _, value = self._values[id(variable)]
        return tf.constant(value)
