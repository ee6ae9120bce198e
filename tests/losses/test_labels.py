"""Labels: which are taken, which are refused, at once and inside a compiled step."""

import numpy as np
import pytest
import tensorflow as tf

from tfdyn.losses.cross_entropy import cross_entropy
from tfdyn.losses.labels import check_labels, class_indices

WRONG = [[1, 2, 3], [0, -1, 2], [0.9, 1.9, 1], [0, 2**32, 1], [np.nan, 0, 1]]
MESSAGE = "from 0 to 2, because there are 3 classes"


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32", "float64"])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_classes_are_taken(dtype, shape):
    labels = np.asarray([2, 0, 1, 2], dtype).reshape(shape)
    indices = class_indices(labels, 3)
    assert indices.dtype == "int32"
    np.testing.assert_array_equal(indices, [2, 0, 1, 2])
    check_labels(labels, 3)


@pytest.mark.parametrize("labels", WRONG)
def test_labels_that_are_no_classes_are_refused(labels):
    for check in (class_indices, check_labels):
        with pytest.raises(ValueError, match=MESSAGE):
            check(np.asarray(labels), 3)


def test_the_error_names_a_wrong_label():
    with pytest.raises(ValueError, match=r"One label is 7\.$"):
        class_indices(np.asarray([0, 2, 7, 8]), 3)


@pytest.mark.parametrize("labels", WRONG)
def test_a_compiled_step_refuses_them_too(labels):
    step = tf.function(lambda labels: class_indices(labels, 3))
    np.testing.assert_array_equal(step(np.asarray([1.0, 2.0])), [1, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match=MESSAGE):
        step(np.asarray(labels))


def test_under_xla_they_cost_nan():
    logits = np.zeros((3, 3), "float32")

    @tf.function(jit_compile=True)
    def step(labels):
        return cross_entropy(class_indices(labels, 3), logits)

    losses = step(np.asarray([1.0, 3.0, 0.5]))
    np.testing.assert_allclose(losses, [np.log(3), np.nan, np.nan], rtol=1e-6)


@pytest.mark.parametrize("shape", [(6, 3), (6, 2), (3, 3, 1)])
def test_labels_of_another_shape_are_refused(shape):
    for check in (class_indices, check_labels):
        with pytest.raises(ValueError, match=r"got the shape .*argmax\(axis=-1\)"):
            check(np.zeros(shape), 3)


@pytest.mark.parametrize("labels", [None, [0, 9], {"labels": 9}])
def test_what_is_no_array_is_left_to_keras(labels):
    check_labels(labels, 3)
