"""SGD with weight decay as a part of the gradient."""

import keras

from tfdyn.layers.keras_internals import variable_index


@keras.saving.register_keras_serializable("tfdyn")
class SGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD` that adds `l2` times the weight to each gradient.

    This is the weight decay of PyTorch's SGD and of the papers. The `weight_decay` of
    Keras acts outside the gradient and is about ten times weaker at momentum 0.9. An
    L2 regularizer of Keras gives the same result, but needs several times as many
    operations. On TensorFlow, an update with momentum is one fused operation for each
    weight.

    Args:
        *args: As for `keras.optimizers.SGD`.
        l2: Float, the weight decay, at least 0. 0 means none.
        **kwargs: As for `keras.optimizers.SGD`.
    """

    def __init__(self, *args, l2: float = 0.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        # Keras has already summed the gradients over the replicas here, so the weight
        # decay is added only once.
        if self.l2:
            gradient = gradient + self.l2 * keras.ops.cast(variable, gradient.dtype)
        if keras.backend.backend() != "tensorflow" or not self.momentum:
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf  # This file must also work on JAX.

        momentum = self.momentums[variable_index(self, variable)]
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=momentum.value.handle,
            lr=learning_rate,
            grad=gradient,
            momentum=self.momentum,
            use_nesterov=self.nesterov,
        )

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}
