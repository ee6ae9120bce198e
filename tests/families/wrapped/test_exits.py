"""Exits: their heads, whom they concern, and who goes on."""

import keras
import numpy as np
import pytest
import tiny_wrapped
from keras import ops

from tfdyn.families.wrapped.exits import Exit, ExitHead, goes_on
from tfdyn.layers import quantization

FEATURES = tiny_wrapped.images((8, 8, 4), rows=4)
LOGITS = np.log(np.asarray([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], "float32"))


def head(filters=3, **options):
    layer = ExitHead(5, filters, name="head", **options)
    layer.build((None, 8, 8, 4))
    return tiny_wrapped.randomize(layer)


def test_a_head_without_filters_is_a_pool_and_a_dense_layer():
    layer = head(0)
    assert len(layer.weights) == 2
    kernel, bias = map(np.asarray, layer.weights)
    expected = FEATURES.mean(axis=(1, 2)) @ kernel + bias
    np.testing.assert_allclose(layer(FEATURES), expected, atol=1e-5)


def test_a_head_has_convolutions_of_f_f_2f_and_2f_filters():
    layer, shape, shapes = head(3, strides=(2, 1, 2, 1)), (None, 8, 8, 4), []
    for each in layer.chain:
        shape = each.compute_output_shape(shape)
        shapes.append(shape)
    assert (None, 4, 4, 3) in shapes and shapes[-3] == (None, 2, 2, 6)
    assert layer.compute_output_shape((7, 8, 8, 4)) == (7, 5)
    assert layer.kind == "head"


def test_the_first_exit_gives_its_logits_to_all():
    layer = Exit(head(), first=True, name="exit")
    layer.build((None, 8, 8, 4))
    assert layer.mixed_op is None
    np.testing.assert_array_equal(layer(FEATURES, None, {}), layer.head(FEATURES))


def test_a_later_exit_replaces_the_logits_of_those_who_come():
    layer = Exit(head(), name="exit")
    layer.build((None, 8, 8, 4))
    before = tiny_wrapped.images((5,), rows=4, seed=2)
    come = np.asarray([[1], [0], [0], [1]], "float32")
    outputs = layer(FEATURES, before, {"exit": come})
    expected = np.where(come > 0, layer.head(FEATURES), before)
    np.testing.assert_array_equal(outputs, expected)


@pytest.mark.parametrize("first", [False, True])
def test_its_configuration_makes_it_again(first):
    layer = Exit(head(), first, name="exit")
    layer.build((None, 8, 8, 4))
    again = Exit.from_config(layer.get_config())
    again.build((None, 8, 8, 4))
    again.set_weights(layer.get_weights())
    before, weights = np.ones((4, 5), "float32"), {"exit": np.ones((4, 1), "float32")}
    np.testing.assert_array_equal(
        again(FEATURES, before, weights), layer(FEATURES, before, weights)
    )
    assert (again.head.filters, bool(again.always)) == (3, first)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.01, [0, 0, 0]),
        (0.5, [0, 0, 0]),
        (0.7, [0, 1, 0]),
        (0.85, [0, 1, 1]),
        (0.95, [1, 1, 1]),
        (1.0, [1, 1, 1]),
    ],
)
def test_who_is_less_sure_than_t_goes_on(threshold, expected):
    np.testing.assert_array_equal(goes_on(LOGITS, threshold)[:, 0], expected)


def test_with_t_of_1_all_go_on_however_sure():
    sure = np.asarray([[100.0, 0.0]], "float32")
    assert goes_on(sure, 0.999)[0, 0] == 0 and goes_on(sure, 1.0)[0, 0] == 1
    assert keras.ops.shape(goes_on(sure, 1.0)) == (1, 1)


def test_what_decides_is_not_rounded_where_it_is_below_0():
    class Exact(quantization.Quantization):
        def exact(self, tensor):  # As an export to 8 bits does it.
            return ops.square(ops.sqrt(tensor))

    with quantization.scope(Exact()):
        np.testing.assert_array_equal(goes_on(LOGITS, 0.7)[:, 0], [0, 1, 0])
