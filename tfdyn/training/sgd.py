"""SGD with weight decay as a part of the gradient."""

import math

import keras
from keras import ops

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
        clip: Float above 0, the largest norm of the gradient of all weights together,
            without weight decay. A longer gradient is scaled down to this norm. `None`
            means no limit. DARTS, whose conventions DRNet follows (section 4.1), has 5.
            Unlike the `global_clipnorm` of Keras, it is the norm of the gradient of the
            global batch, on any number of replicas.
        factors: Mapping from names of layers to floats of at least 0, such as
            `{"router": 0.1}`. The learning rate of all weights in a layer of this name
            is multiplied by its float.
        **kwargs: As for `keras.optimizers.SGD`.
    """

    def __init__(
        self,
        *args,
        l2: float = 0.0,
        clip: float | None = None,
        factors: dict[str, float] | None = None,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.l2, self.clip, self.factors = l2, clip, dict(factors or {})
        self._factor_of_variable = ()

    def build(self, variables):
        super().build(variables)
        self._factor_of_variable = tuple(
            math.prod(self.factors.get(name, 1.0) for name in variable.path.split("/"))
            for variable in variables
        )

    def apply(self, grads, trainable_variables=None):
        if self.clip:
            grads = clip_by_global_norm(grads, self.clip)
        super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        # Keras has already summed the gradients over the replicas here, so the weight
        # decay is added only once.
        if self.l2:
            gradient = gradient + self.l2 * ops.cast(variable, gradient.dtype)
        index = variable_index(self, variable)
        if self._factor_of_variable[index] != 1:
            learning_rate = learning_rate * self._factor_of_variable[index]
        if keras.backend.backend() != "tensorflow" or not self.momentum:
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf  # This file must also work on JAX.

        momentum = self.momentums[index]
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=momentum.value.handle,
            lr=learning_rate,
            grad=gradient,
            momentum=self.momentum,
            use_nesterov=self.nesterov,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "l2": self.l2,
            "clip": self.clip,
            "factors": dict(self.factors),
        }


def clip_by_global_norm(gradients, largest: float) -> list:
    """Scales gradients down so that their norm over all weights has a limit.

    On several replicas each passes the gradient of its part of the batch. The norm is
    that of the sum over the replicas.

    Args:
        gradients: Sequence of tensors, or `None` for weights without a gradient.
        largest: The limit, a float above 0.

    Returns:
        List of tensors of the same shapes, all multiplied by the same factor, which is
        at most 1.
    """
    whole = [gradient for gradient in gradients if gradient is not None]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # This file must also work on JAX.

        context = tf.distribute.get_replica_context()
        if context and context.num_replicas_in_sync > 1:
            whole = context.all_reduce("SUM", whole)
    squares = [ops.sum(ops.square(ops.cast(each, "float32"))) for each in whole]
    factor = largest / ops.maximum(ops.sqrt(sum(squares)), largest)
    return [
        None if gradient is None else gradient * ops.cast(factor, gradient.dtype)
        for gradient in gradients
    ]
