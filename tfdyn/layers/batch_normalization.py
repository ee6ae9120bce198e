"""BatchNormalization: the layer of Keras, with faster training on TensorFlow."""

import functools

import keras
from keras import ops

from tfdyn.layers.keras_internals import all_layers

# On a CPU, TensorFlow's fused batch norm (oneDNN) is fast if the number of channels is
# a multiple of this number. Otherwise it is slow.
FUSED_CHANNELS = 16


@keras.saving.register_keras_serializable("tfdyn")
class BatchNormalization(keras.layers.BatchNormalization):
    """Does what `keras.layers.BatchNormalization` does, and trains in less time.

    Results, weights and arguments are those of Keras. Only the training of inputs
    `(batch, height, width, channels)` on TensorFlow is computed in another way. It uses
    TensorFlow's fused operation, which Keras 3 does not use. On a CPU that operation
    is slow unless the number of channels is a multiple of 16. There, for other numbers
    of channels, the layer computes sums over whole rows of the input, with a custom
    gradient. `benchmarks/training_step.py` measures the difference.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and self._is_fast(inputs, mask)):
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        gamma = self.gamma.value if self.scale else ops.ones(channels)
        beta = self.beta.value if self.center else ops.zeros(channels)
        normalize = _fused if _prefers_fused(channels) else _rowwise
        outputs, mean, variance = normalize(inputs, gamma, beta, self.epsilon)
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving + (1.0 - self.momentum) * (value - moving))
        return ops.cast(outputs, self.compute_dtype)

    def _is_fast(self, inputs, mask):
        """Returns whether a faster computation has the same result for these inputs."""
        return (
            keras.backend.backend() == "tensorflow"
            and not isinstance(inputs, keras.KerasTensor)
            and not (self.synchronized or self.renorm)
            and mask is None
            and len(inputs.shape) == 4
            and None not in inputs.shape[1:]
            and self.axis in (-1, 3)
        )


def synchronize(model: keras.Model) -> None:
    """Makes batch norm use the mean and variance over the batches of all replicas.

    Args:
        model: A model that is about to be trained on several replicas. The function
            sets `synchronized` in each of its `BatchNormalization` layers, at any
            depth.
    """
    for layer in all_layers(model):
        if isinstance(layer, BatchNormalization):
            layer.synchronized = True


def _prefers_fused(channels):
    """Returns whether the fused operation is fast for this number of channels."""
    import tensorflow as tf  # Here, because this file must also work on JAX.

    return channels % FUSED_CHANNELS == 0 or tf.config.list_physical_devices("GPU")


def _fused(inputs, gamma, beta, epsilon):
    """Normalises a batch with TensorFlow's fused operation.

    Args:
        inputs: Tensor `(batch, height, width, channels)`.
        gamma: Scale, float32 variable or tensor `(channels,)`.
        beta: Offset, float32 variable or tensor `(channels,)`.
        epsilon: Float that is added to the variance.

    Returns:
        Three tensors: the normalised inputs, of the shape and type of `inputs`; the
        mean of the batch, `(channels,)`; the variance of the batch, `(channels,)`.
    """
    import tensorflow as tf  # Here, because this file must also work on JAX.

    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=gamma,
        offset=beta,
        mean=(),
        variance=(),
        epsilon=epsilon,
        is_training=True,
    )
    # The operation divides by count - 1, Keras by count.
    count = ops.cast(ops.size(inputs) // inputs.shape[-1], variance.dtype)
    return outputs, mean, variance * (count - 1.0) / count


@functools.cache
def _by_rows(width, channels, epsilon):
    """Returns a function that normalises feature maps as a matrix of long rows.

    A row holds `width * channels` numbers. The sum over rows is a matrix product with
    ones. A vector is repeated along a whole row before it is multiplied or added. Both
    are several times faster than sums and broadcasts over few channels. The forward
    and the backward computation are traced once for each shape. Each of them is one
    operation in the graphs that use it.

    Args:
        width: Integer, width of the feature maps.
        channels: Integer, number of channels.
        epsilon: Float that is added to the variance.

    Returns:
        A function of three float32 tensors: `rows` `(batch * height, width *
        channels)`, `gamma` `(channels,)` and `beta` `(channels,)`. It returns the
        normalised rows, the mean of the batch `(channels,)` and its variance
        `(channels,)`.
    """
    import tensorflow as tf  # Here, because this file must also work on JAX.

    def count(rows):
        return tf.cast(tf.shape(rows)[0] * width, tf.float32)

    def total(rows):
        sums = tf.matmul(tf.ones((1, tf.shape(rows)[0])), rows)
        return tf.reduce_sum(tf.reshape(sums, (width, channels)), axis=0)

    def along(vector):
        return tf.tile(vector, (width,))

    @tf.function
    def forward(rows, gamma, beta):
        mean = total(rows) / count(rows)
        variance = total(tf.square(rows)) / count(rows) - tf.square(mean)
        variance = tf.maximum(variance, 0.0)
        scale = gamma * tf.math.rsqrt(variance + epsilon)
        outputs = rows * along(scale) + along(beta - mean * scale)
        return outputs, mean, variance

    @tf.function
    def backward(upstream, rows, gamma, mean, variance):
        inverse = tf.math.rsqrt(variance + epsilon)
        to_beta = total(upstream)
        to_gamma = (total(upstream * rows) - to_beta * mean) * inverse
        scale = gamma * inverse
        slope = scale * inverse * to_gamma / count(rows)
        offset = scale * to_beta / count(rows) - slope * mean
        to_rows = upstream * along(scale)
        to_rows -= rows * along(slope) + along(offset)
        return to_rows, to_gamma, to_beta

    def normalize(rows, gamma, beta):
        moments = []

        @tf.custom_gradient
        def outputs_of(rows, gamma, beta):
            outputs, mean, variance = forward(rows, gamma, beta)
            # As outputs, these would make TensorFlow compute gradients of zeros.
            moments.extend([mean, variance])

            def gradient(upstream):
                return backward(upstream, rows, gamma, mean, variance)

            return outputs, gradient

        return outputs_of(rows, gamma, beta), *moments

    return normalize


def _rowwise(inputs, gamma, beta, epsilon):
    """Normalises a batch as a matrix of long rows.

    Arguments and return values are those of `_fused`; the outputs are float32.
    """
    import tensorflow as tf  # Here, because this file must also work on JAX.

    _, height, width, channels = inputs.shape
    weights = [tf.convert_to_tensor(weight) for weight in (gamma, beta)]
    rows = ops.reshape(ops.cast(inputs, "float32"), (-1, width * channels))
    outputs, mean, variance = _by_rows(width, channels, epsilon)(rows, *weights)
    return ops.reshape(outputs, (-1, height, width, channels)), mean, variance
