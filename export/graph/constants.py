"""Constants: a scope in which a model's variables are constants of the graph."""

import keras
import tensorflow as tf


class Constants(keras.StatelessScope):
    """Replaces every read of a variable by a constant of the graph that is traced.

    A read inside a branch of `tf.cond` makes the constant inside this branch. Weights
    from outside would be arguments of the branch, and it would run on slow kernels:
    XNNPACK, LiteRT's fast kernels for CPUs, needs constant weights.

    ```python
    constants = Constants(model)

    @tf.function
    def serve(image):
        with constants:
            return model(image)
    ```

    Args:
        model: Built Keras model. The constants are the values that its variables have
            when the scope is made.
    """

    def __init__(self, model: keras.Model):
        super().__init__()
        self._values = {id(v): (v, v.numpy()) for v in model.variables}

    def get_current_value(self, variable):
        """Returns the constant of a variable, as Keras requests it in the scope."""
        _, value = self._values[id(variable)]
        return tf.constant(value)
