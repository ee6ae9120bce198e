"""Sharing: what runs once, and that nothing else does."""

import keras
import numpy as np
from keras import layers

from tfdyn.layers import sharing

IMAGES = keras.ops.convert_to_tensor(np.arange(32, dtype="float32").reshape(1, 4, 4, 2))


class Counting(layers.Layer):
    """Counts its calls; `scale` is part of its configuration."""

    calls = 0

    def __init__(self, scale=2.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.built = True

    def call(self, inputs):
        Counting.calls += 1
        return self.scale * inputs

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


def calls(*pairs):
    """How often layers ran, called on tensors inside one scope."""
    Counting.calls = 0
    with sharing.scope():
        results = [sharing.call(layer, inputs) for layer, inputs in pairs]
    for (layer, inputs), result in zip(pairs, results, strict=True):
        np.testing.assert_allclose(result, layer.scale * inputs)
    return Counting.calls


def test_equal_layers_on_one_tensor_run_once():
    assert calls((Counting(name="a"), IMAGES), (Counting(name="b"), IMAGES)) == 1


def test_other_tensors_and_other_configurations_run_by_themselves():
    other = IMAGES + 0
    assert calls((Counting(), IMAGES), (Counting(), other)) == 2
    assert calls((Counting(), IMAGES), (Counting(3.0), IMAGES)) == 2


def test_a_tensor_that_is_gone_is_not_mistaken_for_a_new_one():
    Counting.calls = 0
    with sharing.scope():
        for number in range(20):
            result = sharing.call(Counting(), IMAGES + number)
            np.testing.assert_allclose(result, 2 * (IMAGES + number))
    assert Counting.calls == 20


def test_layers_with_weights_or_random_numbers_are_never_shared():
    with sharing.scope():
        one, other = (layers.Dense(3, name=name) for name in "ab")
        assert not np.allclose(sharing.call(one, IMAGES), sharing.call(other, IMAGES))
        noise = [layers.RandomFlip(seed=1), layers.RandomFlip(seed=1)]
        assert sharing.call(noise[0], IMAGES) is not sharing.call(noise[1], IMAGES)


def test_outside_a_scope_nothing_is_shared():
    Counting.calls = 0
    with sharing.scope():
        sharing.call(Counting(), IMAGES)
    sharing.call(Counting(), IMAGES)
    sharing.call(Counting(), IMAGES)
    assert Counting.calls == 3
