import errno
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdyn.errors import UserError, explain


def test_what_a_user_can_mend_is_one_line():
    assert explain(UserError("first\n  second")) == "first second"
    assert explain(OSError("The phone is gone.")) == "The phone is gone."
    assert explain(ValueError("a bug")) is None


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_errors_of_the_system_name_the_file_and_the_mend(kind):
    line = explain(OSError(kind, os.strerror(kind), "run/model.keras"))
    assert line.startswith(f"run/model.keras: {os.strerror(kind)}. ")
    assert "[Errno" not in line and line.endswith(".")


def test_tensorflow_s_errors_of_the_system_are_such_errors_too():
    full = tf.errors.ResourceExhaustedError(
        None, None, "run/x; No space left on device"
    )
    assert "run/x" in explain(full) and "Free some space" in explain(full)
    assert explain(tf.errors.ResourceExhaustedError(None, None, "a queue")) is None


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 298. GiB for an array"),
        tf.errors.ResourceExhaustedError(
            None, None, "OOM when allocating tensor with shape[9]"
        ),
    ],
)
def test_memory_that_is_not_there(error):
    assert "use a smaller --batch_size or --image_size" in explain(error)


def test_what_keras_wraps_is_one_line():
    class Layer(keras.layers.Layer):
        def call(self, inputs):
            raise UserError("a threshold\nis one number")

    with pytest.raises(UserError) as error:
        Layer()(np.zeros((1, 2)))
    assert explain(error.value) == "a threshold is one number"
