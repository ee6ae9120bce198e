"""Convolutions as DARTS makes them."""

import numpy as np
import pytest

from tfdyn.layers.convolutions import batch_norm, conv_bn, depthwise


def test_batch_norm_is_pytorchs():
    norm = batch_norm()
    # What Keras calls momentum is what PyTorch calls 1 - momentum (0.1).
    assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)


@pytest.mark.parametrize(
    ("layer", "inputs_of_an_output"),
    [
        (conv_bn(512, kernel_size=3)[0], 9 * 64),
        (conv_bn(512)[0], 64),
        (depthwise(5, strides=2), 25),
    ],
)
def test_kernels_are_drawn_as_he_says(layer, inputs_of_an_output):
    layer.build((None, 8, 8, 64))
    (kernel,) = layer.get_weights()
    assert np.std(kernel) == pytest.approx(np.sqrt(2 / inputs_of_an_output), rel=0.05)
