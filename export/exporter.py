"""Exporter: writes a network as a `.tflite` file or a SavedModel, and checks it."""

import pathlib
import time

import numpy as np
import tensorflow as tf

from export import manifest
from export.checks import saved_model_check, tflite_check
from export.checks.parity import Reference
from export.graph import trace
from export.graph.convert import convert
from export.graph.form import Form
from export.source import Source
from tfdyn import output
from tfdyn.data.image_files import load_square
from tfdyn.files import check_replaceable, check_writable, whole_folder, whole_set
from tfdyn.locks import locked
from tfdyn.routing.route import most_frequent

# What `tf.saved_model.save` writes.
SAVED_MODEL = ("saved_model.pb", "fingerprint.pb", "variables", "assets")


def export_tflite(
    source: Source,
    form: Form,
    precision: str = "float32",
    route: np.ndarray | None = None,
    images: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    choices: dict | None = None,
    name: str | None = None,
) -> tuple[pathlib.Path, dict]:
    """Writes a network as one `.tflite` file, and compares the file with Keras.

    Writes `model.json` (what an app must know) and `manifest.json` (what was checked)
    beside the file. A file that fails a check is not kept.

    Args:
        source: `Source` of the network.
        form: `Form` of the graph.
        precision: Precision of the weights, one of `export.graph.form.PRECISIONS`.
        route: Flat route `(branches of all MixedOps,)`, for the fixed variant.
        images: uint8 images `(n, height, width, channels)` to check the file on.
        labels: Their labels `(n,)`, to measure the file's accuracy, or `None`.
        choices: Entries for the manifest that say how T and the gates were chosen, a
            dict ready for JSON, or `None`.
        name: Name of the file (default: `file_name(form.variant)`).

    Returns:
        The file's path and its entry in `manifest.json`.

    Raises:
        UserError: If an argument is wrong or a check fails.
        OSError: If the folder cannot be written to.
    """
    check_writable(source.folder)
    start = time.perf_counter()
    function = trace.gated(source.model, source.input_format, form, route)
    content = convert(function, precision)
    entry = {
        "variant": form.variant,
        "precision": precision,
        "threshold": form.threshold,
        "threshold_input": form.threshold_input,
        "preprocess": form.preprocess,
        "bytes": len(content),
        "convert_seconds": round(time.perf_counter() - start, 1),
    }
    path = source.folder / (name or file_name(form.variant))
    with locked(source.folder), whole_set(source.folder) as temporary:
        (temporary / path.name).write_bytes(content)
        entry |= tflite_check.check(
            temporary / path.name, source, form, precision, route, images, labels
        )
        entry |= choices or {}
        if route is not None:
            entry["route"] = source.model.route_spec.to_json(route)
        manifest.write(source, form, path.name, entry, temporary)
    return path, entry


def file_name(variant: str) -> str:
    """Returns the name of a variant's `.tflite` file."""
    return "model.tflite" if variant == "routed" else f"model.{variant}.tflite"


def choose_route(
    source: Source,
    threshold: float | list[float],
    route_file: str | None = None,
    image: str | None = None,
    images: np.ndarray | None = None,
) -> tuple[np.ndarray, str]:
    """Chooses the route of the fixed variant: from a file, of one image or of several.

    Args:
        source: `Source` of the network.
        threshold: T, a number or a list with one for each MixedOp.
        route_file: JSON file of a route, or `None`.
        image: Image file whose route is used, or `None`.
        images: uint8 images `(n, height, width, channels)`. Their most frequent route
            is used if there is neither a file nor an image.

    Returns:
        The flat route `(branches of all MixedOps,)`, and a text that says which it is.

    Raises:
        UserError: If a file cannot be read, or T is wrong.
    """
    if route_file:
        return source.model.route_spec.load(route_file), f"the route in {route_file}"
    input_format = source.input_format
    if image:
        images = load_square(image, input_format.shape[0], input_format.shape[-1])[None]
    _, routes = Reference(source.model)(input_format.normalize(images), threshold)
    if image:
        return routes[0], f"the route of {image}"
    route, share = most_frequent(routes)
    return route, f"the route of {share:.1%} of {len(images)} images"


def export_saved_model(
    source: Source, form: Form, images: np.ndarray, labels: np.ndarray | None = None
) -> tuple[pathlib.Path, dict]:
    """Writes a network as a SavedModel that needs only TensorFlow, and checks it.

    Its signatures take `images` of any batch size ("batched": each branch runs on the
    rows that chose it) or one `image` ("gated": each branch behind a `tf.cond`). Both
    return `logits`, `probabilities`, `macs` and `route`.

    Args:
        source: `Source` of the network.
        form: `Form` of the routed variant.
        images: uint8 images `(n, height, width, channels)` to check it on.
        labels: Their labels `(n,)`, to measure its accuracy, or `None`.

    Returns:
        The folder's path, and for each signature the results of the check, as
        `export.checks.saved_model_check.check` returns them.

    Raises:
        UserError: If the SavedModel's outputs differ from those of Keras.
        OSError: If the folder cannot be written to.
    """
    model, input_format = source.model, source.input_format
    check_replaceable(source.folder / "saved_model", SAVED_MODEL)
    check_writable(source.folder)
    module = tf.Module()
    # Only the variables: to load Keras's layers, one would need Keras.
    module.weights = [variable.value for variable in model.variables]
    signatures = {
        "batched": trace.batched(model, input_format, form),
        "gated": trace.gated(model, input_format, form, constants=False),
    }
    path = source.folder / "saved_model"
    with locked(source.folder), whole_folder(path, SAVED_MODEL) as temporary:
        with output.quiet():
            tf.saved_model.save(module, str(temporary), signatures=signatures)
        results = saved_model_check.check(temporary, source, form, images, labels)
    return path, results
