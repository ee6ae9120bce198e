"""Depthwise convolutions for trainings on JAX, as sums of shifted products.

On GPUs XLA times many ways to compute each convolution when it compiles, which took
minutes for a DRNet; on CPUs the gradients of depthwise ones are slow. The products of
this form become a few loops.
"""

import keras
from keras import ops

_PLAIN = keras.layers.DepthwiseConv2D.call


def use_shifted_products() -> None:
    """Makes all `keras.layers.DepthwiseConv2D` of this process compute in this form.

    The results are the same but for rounding.
    """
    keras.layers.DepthwiseConv2D.call = _call


def _call(layer, inputs):
    if isinstance(inputs, keras.KerasTensor):
        # `tfdyn.costs.complexity` counts MACs by the operations that it meets.
        return _PLAIN(layer, inputs)
    if (
        layer.depth_multiplier != 1
        or tuple(layer.dilation_rate) != (1, 1)
        or layer.padding != "same"
        or layer.data_format != "channels_last"
    ):
        raise NotImplementedError(f"{layer.name}: not a plain depthwise convolution.")
    height, width = layer.kernel_size
    padded, rows = _padded(inputs, 1, height, layer.strides[0])
    padded, columns = _padded(padded, 2, width, layer.strides[1])
    # The sum of many terms needs more than the digits of bfloat16.
    padded, kernel = ops.cast(padded, "float32"), ops.cast(layer.kernel, "float32")
    total = 0.0
    for row in range(height):
        for column in range(width):
            part = padded[:, _steps(row, *rows), _steps(column, *columns)]
            total = total + part * kernel[row, column, :, 0]
    total = ops.cast(total, inputs.dtype)
    if layer.use_bias:
        total = total + layer.bias
    return total if layer.activation is None else layer.activation(total)


def _padded(inputs, axis, size, stride):
    """Returns the inputs padded along an axis, and the outputs and stride of it."""
    length = inputs.shape[axis]
    count = -(-length // stride)
    missing = max((count - 1) * stride + size - length, 0)
    widths = [[0, 0] for _ in inputs.shape]
    widths[axis] = [missing // 2, missing - missing // 2]
    return ops.pad(inputs, widths), (count, stride)


def _steps(first, count, stride):
    return slice(first, first + (count - 1) * stride + 1, stride)
