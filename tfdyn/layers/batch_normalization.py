"""BatchNormalization: Keras's layer, with faster training on TensorFlow."""

import keras
from keras import ops

# oneDNN's fused batch norm is fast on blocks of so many channels, slow on others.
FUSED_CHANNELS = 16


@keras.saving.register_keras_serializable("tfdyn")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` that takes less time to train.

    Results, weights and arguments are those of Keras. In training on TensorFlow,
    `(batch, height, width, channels)` is normalised by the fused operation, which
    Keras 3 does not use, or on CPUs, where that is slow for numbers of channels that
    are not multiples of 16, by sums over whole rows and a gradient of its own.
    `benchmarks/training_step.py` measures the difference.

    `synchronized` may be changed after construction.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and self._is_fast(inputs, mask)):
            return super().call(inputs, training=training, mask=mask)
        form = _fused if _prefers_fused(inputs.shape[-1]) else _by_rows
        outputs, mean, variance = form(inputs, self.gamma, self.beta, self.epsilon)
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            value = ops.stop_gradient(value)
            moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)

    def _is_fast(self, inputs, mask):
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


def _prefers_fused(channels):
    import tensorflow as tf

    return channels % FUSED_CHANNELS == 0 or tf.config.list_physical_devices("GPU")


def _fused(inputs, gamma, beta, epsilon):
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
    # Its variance is that of a sample; Keras keeps the batch's own.
    count = ops.cast(ops.size(inputs) // inputs.shape[-1], variance.dtype)
    return outputs, mean, variance * (count - 1.0) / count


def _by_rows(inputs, gamma, beta, epsilon):
    """Normalises a map as a matrix whose rows hold `width * channels` numbers.

    Sums over rows are a product with ones, and broadcasts along rows are long: both
    are several times faster than reductions and broadcasts over few channels.
    """
    _, height, width, channels = inputs.shape

    def repeated(vector):
        return ops.tile(vector, width)

    @ops.custom_gradient
    def normalize(inputs, gamma, beta):
        rows = ops.reshape(inputs, (-1, width * channels))
        shares = ops.ones((1, ops.shape(rows)[0]))
        count = ops.cast(ops.shape(rows)[0] * width, "float32")

        def total(rows):
            return ops.sum(ops.reshape(shares @ rows, (width, channels)), axis=0)

        mean = total(rows) / count
        variance = total(ops.square(rows)) / count - ops.square(mean)
        variance = ops.maximum(variance, 0.0)
        inverse = ops.rsqrt(variance + epsilon)
        scale = gamma * inverse
        outputs = rows * repeated(scale) + repeated(beta - mean * scale)

        def gradient(upstream, *_):
            upstream = ops.reshape(upstream, (-1, width * channels))
            to_beta = total(upstream)
            to_gamma = (total(upstream * rows) - to_beta * mean) * inverse
            slope = scale * inverse * to_gamma / count
            offset = scale * to_beta / count - slope * mean
            to_rows = upstream * repeated(scale)
            to_rows -= rows * repeated(slope) + repeated(offset)
            return ops.reshape(to_rows, ops.shape(inputs)), to_gamma, to_beta

        outputs = ops.reshape(outputs, ops.shape(inputs))
        return (outputs, mean, variance), gradient

    inputs = ops.cast(inputs, "float32")
    return normalize(
        inputs, ops.convert_to_tensor(gamma), ops.convert_to_tensor(beta)
    )
