"""Labels: whole numbers, each of which names a class."""

import contextlib
import importlib
import threading

import keras
from keras import ops

from tfdyn.errors import UserError

_scope = threading.local()


@contextlib.contextmanager
def checked():
    """Declares, for a `with` block, that all labels have passed `check_labels`.

    A training step that is traced in the block has no check of its own. It holds for
    the current thread only.
    """
    previous = getattr(_scope, "checked", False)
    _scope.checked = True
    try:
        yield
    finally:
        _scope.checked = previous


def check_labels(labels, classes: int) -> None:
    """Checks an array of labels before a training or an evaluation begins.

    Args:
        labels: Array or tensor with values, `(images,)` or `(images, 1)`. Anything
            else is not checked, such as the `None` beside a data set.
        classes: Integer, number of classes.

    Raises:
        UserError: If the labels have another shape, or one of them is no class.
    """
    if hasattr(labels, "shape") and hasattr(labels, "dtype"):
        class_indices(ops.convert_to_numpy(labels), classes)


def class_indices(labels, classes: int):
    """Returns the labels of a batch as integers, and checks that each is a class.

    Inside a compiled training step the check is part of the step. A label that is no
    class then raises what the backend raises: on TensorFlow an `InvalidArgumentError`,
    on JAX a `JaxRuntimeError`. TensorFlow with XLA (`jit_compile=True`) drops checks:
    there the index is -1, which costs NaN (`cross_entropy`).

    Args:
        labels: Tensor `(batch,)` or `(batch, 1)` of any type.
        classes: Integer, number of classes.

    Returns:
        Int32 tensor `(batch,)`.

    Raises:
        UserError: If the labels have another shape, such as `(batch, classes)` of
            one-hot labels; outside a compiled step also if one of them is no class.
    """
    labels = ops.convert_to_tensor(labels)
    shape = tuple(labels.shape)
    if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
        raise UserError(
            f"Labels are whole numbers, one for each image, in the shape (images,); "
            f"got the shape {shape}. Pass one-hot labels as labels.argmax(axis=-1)."
        )
    labels = ops.reshape(labels, (-1,))
    indices = ops.cast(labels, "int32")
    whole = ops.cast(indices, labels.dtype) == labels
    valid = whole & (indices >= 0) & (indices < classes)
    # The first label that is no class, else the first label.
    label = labels[ops.argmin(ops.cast(valid, "int32"))]
    if not getattr(_scope, "checked", False):
        _require(ops.all(valid), label, classes)
    return ops.where(valid, indices, -1)


def _require(valid, label, classes):
    """Raises an error if `valid` is false, also in a step that is being compiled."""
    text = (
        f"Labels must be whole numbers from 0 to {classes - 1}, because there are "
        f"{classes} classes. Number the classes from 0, or build a network with more "
        f"classes. One label is"
    )

    def refuse(label):
        raise UserError(f"{text} {float(label):g}.")

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf  # Here, because this file must also work on JAX.

        if not tf.executing_eagerly():
            tf.debugging.Assert(valid, [f"{text}:", label])
            return
    elif backend == "jax":
        # By its name, because JAX is no requirement: here it is installed.
        jax = importlib.import_module("jax")
        if isinstance(valid, jax.core.Tracer):
            jax.lax.cond(
                valid, lambda _: None, lambda at: jax.debug.callback(refuse, at), label
            )
            return
    if not valid:
        refuse(label)
