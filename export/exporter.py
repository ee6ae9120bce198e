"""Exporter: writes a network as a `.tflite` file or a SavedModel, and checks it."""

import hashlib
import pathlib
import time

import numpy as np
import tensorflow as tf

from export import manifest
from export.checks import saved_model_check, tflite_check
from export.checks.parity import Reference
from export.graph import trace
from export.graph.convert import convert
from export.graph.form import CALIBRATION_IMAGES, Form
from export.graph.form_ranges import form_ranges
from export.graph.int8_io import SCALES
from export.source import Source
from tfdyn import output
from tfdyn.data.image_files import load_square
from tfdyn.errors import UserError
from tfdyn.files import check_writable, whole_folder, whole_set
from tfdyn.locks import locked
from tfdyn.routing.route import most_frequent
from tfdyn.routing.threshold import threshold_per_mixed_op
from tfdyn.temporary import check_replaceable


def export_tflite(
    source: Source,
    form: Form,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    precision: str = "float32",
    route: np.ndarray | None = None,
    choices: dict | None = None,
    name: str | None = None,
    calibration: np.ndarray | None = None,
) -> tuple[pathlib.Path, dict]:
    """Writes a network as one `.tflite` file, and compares the file with Keras.

    Writes `model.json` (what an app must know) and `manifest.json` (what was checked)
    beside the file. A file that fails a check is not kept.

    Args:
        source: `Source` of the network.
        form: `Form` of the graph.
        images: uint8 images `(n, height, width, channels)` to check the file on.
        labels: Their labels `(n,)`, to measure the file's accuracy, or `None`.
        precision: Precision of the weights, one of `export.graph.form.PRECISIONS`.
        route: Flat route `(branches of all MixedOps,)`, for the fixed variant.
        choices: Entries for the manifest that say how T and the gates were chosen, a
            dict ready for JSON, or `None`.
        name: Name of the file (default: `file_name(form.variant)`).
        calibration: For "int8", uint8 images `(n, height, width, channels)` on which
            the ranges of activations are observed (default:
            `CALIBRATION_IMAGES` of `source.calibration_images`).

    Returns:
        The file's path and its entry in `manifest.json`.

    Raises:
        UserError: If an argument is wrong, a check fails, the folder holds what is not
            of this network, or another command writes into it.
        OSError: If the folder cannot be written to.
    """
    _check(source, form, images)
    if form.int8_io and precision != "int8":
        raise UserError(
            f"Only files of the precision int8 have int8 inputs and outputs; got "
            f"{precision}. Add --precision=int8, or leave out --int8_io (int8_io=True)."
        )
    if precision == "int8":
        if calibration is None:
            calibration = source.calibration_images(CALIBRATION_IMAGES)
        _check(source, form, calibration)
    if (form.variant == "fixed") != (route is not None):
        raise UserError("The fixed variant, and no other, needs a route.")
    if route is not None:
        source.model.route_spec.check(route)
    path = source.folder / (name or file_name(form.variant))
    check_writable(source.folder)
    with locked(source.folder):
        contents = manifest.prepare(source, form, path.name)
        content, entry = _convert(source, form, precision, route, calibration)
        with whole_set(source.folder) as temporary:
            (temporary / path.name).write_bytes(content)
            entry |= tflite_check.check(
                temporary / path.name, source, form, precision, route, images, labels
            )
            entry |= choices or {}
            if route is not None:
                entry["route"] = source.model.route_spec.to_json(route)
            manifest.write(contents, path.name, entry, temporary)
    return path, entry


def _check(source, form, images):
    """Checks arguments whose faults would appear deep in the graph, or never."""
    threshold_per_mixed_op(form.threshold, len(source.model.mixed_ops))
    images, shape = np.asarray(images), source.input_format.shape
    if images.dtype != "uint8" or images.shape[1:] != shape or not len(images):
        raise UserError(
            f"images must be a uint8 array (n, {', '.join(map(str, shape))}) with n of "
            f"1 or more; got {images.dtype} {images.shape}."
        )


def _convert(source, form, precision, route, calibration):
    """Returns the bytes of the file and what its entry says about them."""
    start, ranges = time.perf_counter(), None
    if precision == "int8":
        model, origin = source.model, source.calibrated_on
        ranges = form_ranges(
            model, source.input_format, form, calibration, origin, route
        )
    function = trace.gated(
        source.model, source.input_format, form, route, ranges=ranges
    )
    content = convert(function, precision, scales=SCALES if form.int8_io else None)
    entry = {
        "variant": form.variant,
        "precision": precision,
        "threshold": form.threshold,
        "threshold_input": form.threshold_input,
        "preprocess": form.preprocess,
        "int8_io": form.int8_io,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "convert_seconds": round(time.perf_counter() - start, 1),
    }
    if ranges:
        limits = {name: list(pair) for name, pair in ranges.by_name.items()}
        entry["calibration"] = {**ranges.provenance, "ranges": limits}
    return content, entry


def file_name(variant: str) -> str:
    """Returns the name of a variant's `.tflite` file."""
    return "model.tflite" if variant == "routed" else f"model.{variant}.tflite"


def choose_route(
    source: Source,
    threshold: float | list[float],
    images: np.ndarray,
    route_file: str | None = None,
    image: str | None = None,
) -> tuple[np.ndarray, str]:
    """Chooses the route of the fixed variant: from a file, of one image or of several.

    Args:
        source: `Source` of the network.
        threshold: T, a number or a list with one for each MixedOp.
        images: uint8 images `(n, height, width, channels)`. Their most frequent route
            is used if there is neither a file nor an image.
        route_file: JSON file of a route, or `None`.
        image: Image file whose route is used, or `None`.

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
    return (
        route,
        f"the most frequent route, that of {share:.1%} of {len(images)} images",
    )


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
        UserError: If an argument is wrong, the SavedModel's outputs differ from those
            of Keras, the folder was not made by this command, or another command
            writes into it.
        OSError: If the folder cannot be written to.
    """
    _check(source, form, images)
    path = source.folder / "saved_model"
    network = manifest.fingerprint(source)
    check_replaceable(path, network)
    check_writable(source.folder)
    with locked(source.folder), whole_folder(path, network) as temporary:
        _save(source, form, temporary)
        results = saved_model_check.check(temporary, source, form, images, labels)
    return path, results


def _save(source, form, folder):
    model, input_format = source.model, source.input_format
    module = tf.Module()
    # Only the variables: to load Keras's layers, one would need Keras.
    module.weights = [variable.value for variable in model.variables]
    signatures = {
        "batched": trace.batched(model, input_format, form),
        "gated": trace.gated(model, input_format, form, constants=False),
    }
    with output.quiet():
        tf.saved_model.save(module, str(folder), signatures=signatures)
