"""Check: whether a `.tflite` file is fast to run, and computes what Keras computes."""

import numpy as np
from tqdm import tqdm

from export.checks import parity
from export.graph import trace
from export.graph.flatbuffer import Flatbuffer
from export.interpreter import Interpreter
from tfdyn import output
from tfdyn.errors import UserError
from tfdyn.routing.random_routes import spread_routes


def check(path, source, form, precision, route, images, labels=None):
    """Checks a `.tflite` file: its operations, and its outputs against Keras's.

    Args:
        path: The file.
        source: `Source` of the network.
        form: `Form` that it was traced with.
        precision: That of its weights.
        route: The fixed variant's route.
        images: uint8 images `(n, height, width, channels)`.
        labels: Their labels `(n,)`, or `None`.

    Returns:
        A dict: `operations`, `subgraphs`, `accuracy` where there are
        labels, and what `parity.compare` returns.

    Raises:
        ValueError: If a check fails.
    """
    flatbuffer = Flatbuffer(path.read_bytes())
    faults = flatbuffer.faults()
    if faults:
        raise UserError(f"The file would be slow or not run: {'; '.join(faults[:5])}.")
    normalized = np.asarray(source.input_format.normalize(images))
    reference, given, threshold = parity.Reference(source.model), {}, form.threshold
    forced = None
    if form.variant == "forced":
        forced = np.stack(spread_routes(source.model.route_spec, len(images)))
        given = {"route": forced}
    elif form.variant == "fixed":
        forced = np.repeat(np.asarray(route, "float32")[None], len(images), axis=0)
    elif form.variant == "all_branches":
        threshold = 1.0
    elif form.threshold_input:
        threshold = np.mean(threshold)
        given = {"threshold": np.full(len(images), threshold)}
    expected = reference(normalized, threshold, forced)
    with output.quiet():  # It tells of its delegate.
        interpreter = Interpreter(path)
    macs = trace.macs(source.model, forced is None, form.ungated)
    actual = [], []
    rows = images if form.preprocess else normalized
    for index, image in enumerate(tqdm(rows, "checking", leave=False, disable=None)):
        inputs = {name: values[index] for name, values in given.items()}
        outputs = interpreter(image=image, **inputs)
        actual[0].append(outputs["logits"][0])
        actual[1].append(outputs["route"][0])
        _check_macs(macs, outputs)
    tolerance = parity.TOLERANCES[precision]
    actual = [np.stack(values) for values in actual]
    right = {}
    if labels is not None:
        right = {"accuracy": float(np.mean(actual[0].argmax(-1) == labels))}
    return {
        "operations": flatbuffer.operations,
        "subgraphs": len(flatbuffer.subgraphs),
        **parity.compare(
            reference,
            normalized,
            expected,
            actual,
            threshold,
            tolerance,
            scaled=source.run is None,
        ),
        **right,
    }


def _check_macs(costs, outputs):
    fixed, branches = costs
    macs = fixed + np.sum(branches * (outputs["route"][0] != 0))
    if not np.isclose(outputs["macs"][0], macs, rtol=1e-5):
        raise UserError(
            f"The file says that a route takes {outputs['macs'][0]:g} MACs; it takes "
            f"{macs:g}."
        )
