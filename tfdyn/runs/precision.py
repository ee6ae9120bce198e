"""Precision: Keras's dtype policy for a while."""

import contextlib

import keras


@contextlib.contextmanager
def dtype_policy(name):
    """Makes the layers that are created inside follow a policy, as "float32"."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
