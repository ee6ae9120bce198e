"""Check of a `.tflite` file: whether it is fast, and computes what Keras computes."""

import pathlib

import keras
import numpy as np
from tqdm import tqdm

from export.checks import int8_io_check, parity, precision_check
from export.graph import trace
from export.graph.flatbuffer import Flatbuffer
from export.graph.form import Form
from export.interpreter import Interpreter
from export.source import Source
from tfdyn import output
from tfdyn.errors import UserError
from tfdyn.layers.keras_internals import all_layers
from tfdyn.routing.random_routes import spread_routes


def check(
    path: pathlib.Path,
    source: Source,
    form: Form,
    precision: str,
    route: np.ndarray | None,
    images: np.ndarray,
    labels: np.ndarray | None = None,
) -> dict:
    """Checks the operations of a `.tflite` file, and its outputs against Keras's.

    Args:
        path: The file.
        source: `Source` of the network.
        form: `Form` that it was traced with.
        precision: Precision of its weights.
        route: Flat route `(branches of all MixedOps,)` of the fixed variant.
        images: uint8 images `(n, height, width, channels)`.
        labels: Their labels `(n,)`, or `None`.

    Returns:
        A dict: `operations`, `subgraphs`, `convolutions` (what `precision_check.check`
        returns), what `parity.compare` returns and, with labels, `accuracy`; if inputs
        and outputs are int8, also `quantization` (what `int8_io_check.check` returns).

    Raises:
        UserError: If a check fails.
    """
    flatbuffer = Flatbuffer(path.read_bytes())
    faults = flatbuffer.faults()
    if faults:
        raise UserError(f"The file would be slow or not run: {'; '.join(faults[:5])}.")
    convolutions = precision_check.check(
        flatbuffer, precision, _convolutions_of_routers(source.model)
    )
    normalized = np.asarray(source.input_format.normalize(images))
    threshold, others, forced = _expectation(source, form, route, len(images))
    reference = parity.Reference(source.model)
    expected = reference(normalized, threshold, forced)
    with output.quiet():  # LiteRT prints which delegate it uses.
        interpreter = Interpreter(path)
    quantization = int8_io_check.check(interpreter, form.int8_io)
    macs = trace.macs(source.model, forced is None, form.ungated)
    logits, routes = [], []
    inputs = images if form.preprocess else normalized
    for index, image in enumerate(tqdm(inputs, "checking", leave=False, disable=None)):
        others_of_image = {name: values[index] for name, values in others.items()}
        outputs = interpreter(image=image, **others_of_image)
        logits.append(outputs["logits"][0])
        routes.append(outputs["route"][0])
        _check_macs(macs, outputs)
    logits = np.stack(logits)
    results = {
        "operations": flatbuffer.operations,
        "subgraphs": len(flatbuffer.subgraphs),
        "convolutions": convolutions,
        **parity.compare(
            reference,
            normalized,
            expected,
            (logits, np.stack(routes)),
            threshold,
            parity.TOLERANCES[precision],
            scaled=source.run is None,
        ),
    }
    if quantization:
        results["quantization"] = quantization
    if labels is not None:
        results["accuracy"] = float(np.mean(logits.argmax(-1) == labels))
    return results


def _convolutions_of_routers(model):
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    routers = [module.layer for module in model.modules if module.kind == "router"]
    return sum(isinstance(each, kinds) for r in routers for each in all_layers(r))


def _expectation(source, form, route, count):
    """Returns T, the inputs beside the images, and the routes that are forced."""
    if form.variant == "forced":
        forced = np.stack(spread_routes(source.model.route_spec, count))
        return form.threshold, {"route": forced}, forced
    if form.variant == "fixed":
        forced = np.repeat(np.asarray(route, "float32")[None], count, axis=0)
        return form.threshold, {}, forced
    if form.variant == "all_branches":
        return 1.0, {}, None
    if form.threshold_input:
        threshold = form.input_threshold
        return threshold, {"threshold": np.full(count, threshold)}, None
    return form.threshold, {}, None


def _check_macs(costs, outputs):
    fixed, branches = costs
    macs = fixed + np.sum(branches * (outputs["route"][0] != 0))
    if not np.isclose(outputs["macs"][0], macs, rtol=1e-5):
        raise UserError(
            f"The file's output `macs` is {outputs['macs'][0]:g} for a route that "
            f"takes {macs:g}."
        )
