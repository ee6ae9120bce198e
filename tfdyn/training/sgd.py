"""SGD with L2 decay in the gradient."""

import keras


@keras.saving.register_keras_serializable("tfdyn")
class SGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD` whose gradients gain `l2` times the weight.

    That is the decay of PyTorch's SGD and of the papers. Keras's own
    `weight_decay` is decoupled from the gradient, about ten times weaker at
    momentum 0.9; an L2 regularizer is the same as this with several times the
    operations. On TensorFlow a weight is updated by one fused operation.

    Args:
        *args: As for `keras.optimizers.SGD`.
        l2: The decay.
        **kwargs: As for `keras.optimizers.SGD`.
    """

    def __init__(self, *args, l2=0.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        # After gradients are summed over replicas: the decay is added once.
        if self.l2:
            gradient = gradient + self.l2 * keras.ops.cast(variable, gradient.dtype)
        if keras.backend.backend() != "tensorflow" or not self.momentum:
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        momentum = self.momentums[self._get_variable_index(variable)]
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
