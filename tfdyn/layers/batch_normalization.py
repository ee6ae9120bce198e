"""BatchNormalization: Keras's layer, with faster training on TensorFlow."""

import functools

import keras
from keras import ops

from tfdyn.layers.keras_internals import all_layers

# On a CPU, TensorFlow's fused batch norm (oneDNN) is fast where the number of channels
# is a multiple of this, and slow elsewhere.
FUSED_CHANNELS = 16


@keras.saving.register_keras_serializable("tfdyn")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` that takes less time to train.

    Results, weights and arguments are those of Keras. Only the training of inputs
    `(batch, height, width, channels)` on TensorFlow differs: they are normalised by
    TensorFlow's fused operation, which Keras 3 does not use. That operation is slow on
    CPUs unless the number of channels is a multiple of 16. There, sums over whole rows
    of the input and a custom gradient take its place.
    `benchmarks/training_step.py` measures the difference.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and self._is_fast(inputs, mask)):
            return super().call(inputs, training=training, mask=mask)
        form = _fused if _prefers_fused(inputs.shape[-1]) else _rowwise
        outputs, mean, variance = form(inputs, self.gamma, self.beta, self.epsilon)
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving + (1.0 - self.momentum) * (value - moving))
        return ops.cast(outputs, self.compute_dtype)

    def _is_fast(self, inputs, mask):
        """Returns whether the faster forms compute what this layer is to compute."""
        return (
            keras.backend.backend() == "tensorflow"
            and not isinstance(inputs, keras.KerasTensor)
            and not (self.synchronized or self.renorm)
            and self.scale
            and self.center
            and mask is None
            and len(inputs.shape) == 4
            and None not in inputs.shape[1:]
            and self.axis in (-1, 3)
        )


def synchronize(model: keras.Model) -> None:
    """Makes batch norm use the mean and variance over the batches of all replicas.

    Args:
        model: A model that is about to be trained on several replicas. `synchronized`
            is set in each of its `BatchNormalization` layers, at any depth.
    """
    for layer in all_layers(model):
        if isinstance(layer, BatchNormalization):
            layer.synchronized = True


def _prefers_fused(channels):
    """Returns whether the fused operation is the faster, for a number of channels."""
    import tensorflow as tf

    return channels % FUSED_CHANNELS == 0 or tf.config.list_physical_devices("GPU")


def _fused(inputs, gamma, beta, epsilon):
    """Normalises a batch with TensorFlow's fused operation.

    Args:
        inputs: Tensor `(batch, height, width, channels)`.
        gamma: Scale, `(channels,)`, float32.
        beta: Offset, `(channels,)`, float32.
        epsilon: Float that is added to the variance.

    Returns:
        The normalised tensor, of the shape and type of `inputs`, and the mean and the
        variance of the batch, each `(channels,)`.
    """
    import tensorflow as tf

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
    """Returns a function that normalises maps as matrices of long rows.

    A row holds `width * channels` numbers. Sums over rows are a product with ones,
    and broadcasts along rows are long: both are several times faster than
    reductions and broadcasts over few channels. The forward and the backward
    computation are traced once for each shape, and are one operation each in the
    graphs that use them.

    Args:
        width: Width of the maps.
        channels: Number of channels.
        epsilon: Float that is added to the variance.

    Returns:
        A function of `rows` `(batch * height, width * channels)`, `gamma` and `beta`
        `(channels,)`, all float32. It returns the normalised rows, the mean and the
        variance of the batch.
    """
    import tensorflow as tf

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
        def normalize(rows, gamma, beta):
            outputs, mean, variance = forward(rows, gamma, beta)
            # As outputs they would cost TensorFlow a gradient of zeros each.
            moments.extend([mean, variance])

            def gradient(upstream):
                return backward(upstream, rows, gamma, mean, variance)

            return outputs, gradient

        return normalize(rows, gamma, beta), *moments

    return normalize


def _rowwise(inputs, gamma, beta, epsilon):
    """Normalises a batch as a matrix of long rows; otherwise as `_fused`."""
    import tensorflow as tf

    _, height, width, channels = inputs.shape
    weights = [tf.convert_to_tensor(weight.value) for weight in (gamma, beta)]
    rows = ops.reshape(ops.cast(inputs, "float32"), (-1, width * channels))
    outputs, mean, variance = _by_rows(width, channels, epsilon)(rows, *weights)
    return ops.reshape(outputs, (-1, height, width, channels)), mean, variance
