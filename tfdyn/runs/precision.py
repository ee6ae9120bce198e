"""Precision: the dtype policy of new Keras layers."""

import contextlib

import keras


@contextlib.contextmanager
def dtype_policy(name: str):
    """Returns a context that sets the dtype policy of layers created in it.

    Args:
        name: Keras's name of the policy, such as "float32" or "mixed_bfloat16".
    """
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
