"""Check of a SavedModel: whether both signatures compute what Keras computes."""

import numpy as np
import tensorflow as tf

from export.checks import parity
from export.graph.form import Form
from export.source import Source

BATCH_SIZE = 250


def check(
    path,
    source: Source,
    form: Form,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    gated_images: int = 16,
) -> dict:
    """Compares both signatures with Keras.

    Args:
        path: Folder of the SavedModel.
        source: `Source` of the network.
        form: `Form` that it was traced with.
        images: uint8 images `(n, height, width, channels)`.
        labels: Their labels `(n,)`, or `None`.
        gated_images: Number of images for the signature "gated", which runs one by
            one.

    Returns:
        For each signature what `export.checks.parity.compare` returns and, with
        labels, `accuracy`.

    Raises:
        UserError: If the outputs differ by more than the tolerance of float32.
    """
    signatures = tf.saved_model.load(str(path)).signatures
    normalized = np.asarray(source.input_format.normalize(images))
    inputs = images if form.preprocess else normalized
    threshold, others = form.threshold, {}
    if form.threshold_input:
        threshold = form.input_threshold
        others = {"threshold": tf.constant(threshold)}
    reference = parity.Reference(source.model)
    expected = reference(normalized, threshold)
    outputs = {
        "batched": [
            signatures["batched"](images=batch, **others)
            for batch in _batches(inputs, BATCH_SIZE)
        ],
        "gated": [
            signatures["gated"](image=image, **others)
            for image in _batches(inputs[:gated_images], 1)
        ],
    }
    results = {}
    for name, parts in outputs.items():
        actual = [
            np.concatenate([part[key] for part in parts]) for key in ("logits", "route")
        ]
        count = len(actual[0])
        results[name] = parity.compare(
            reference,
            normalized[:count],
            [array[:count] for array in expected],
            actual,
            threshold,
            parity.TOLERANCES["float32"],
            scaled=source.run is None,
        )
        if labels is not None:
            right = actual[0].argmax(-1) == labels[:count]
            results[name]["accuracy"] = float(right.mean())
    return results


def _batches(images, size):
    return [tf.constant(images[i : i + size]) for i in range(0, len(images), size)]
