"""Manifest: what was exported, what was checked, and what an app must know of it."""

import importlib.metadata
import json

import numpy as np

from export import graph, parity, routes
from export.flatbuffer import Flatbuffer
from export.interpreter import Interpreter
from tfdyn import commands
from tfdyn.files import write_json

PACKAGES = ("tensorflow", "keras", "ai-edge-litert")


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
        raise ValueError(f"The file would be slow or not run: {'; '.join(faults[:5])}.")
    normalized = np.asarray(source.input_format.normalize(images))
    reference, given, threshold = parity.Reference(source.model), {}, form.threshold
    forced = None
    if form.variant == "forced":
        forced = routes.random_routes(source.model, len(images), 1.5)
        given = {"route": forced}
    elif form.variant == "fixed":
        forced = np.repeat(np.asarray(route, "float32")[None], len(images), axis=0)
    elif form.variant == "all_branches":
        threshold = 1.0
    elif form.threshold_input:
        threshold = np.mean(threshold)
        given = {"threshold": np.full(len(images), threshold)}
    expected = reference(normalized, threshold, forced)
    with commands.quiet():  # It tells of its delegate.
        interpreter = Interpreter(path)
    macs = graph.macs(source.model, routers=forced is None)
    actual = [], []
    for index, image in enumerate(images if form.preprocess else normalized):
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
        raise ValueError(
            f"The file says that a route takes {outputs['macs'][0]:g} MACs; it takes "
            f"{macs:g}."
        )


def write(source, form, name, entry):
    """Writes a file's entry to `manifest.json`, and `model.json`: of the routed one."""
    path = source.folder / "manifest.json"
    files = {}
    if path.exists():
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
    files[name] = entry
    content = {"source": source.name, "versions": versions(), "files": files}
    description = source.folder / "model.json"
    if form.variant == "routed" or not description.exists():
        write_json(description, describe(source, form))
    write_json(path, content)


def describe(source, form):
    """Returns the content of `model.json`."""
    given, evaluation = source.input_format, source.evaluation
    rows = evaluation["routed"] if evaluation else []
    own = [row for row in rows if row["threshold"] == form.threshold]
    return {
        "labels": list(given.class_names),
        "input": {
            "name": "image",
            "shape": [1, *given.shape],
            "dtype": "uint8" if form.preprocess else "float32",
            "mean": list(given.mean),
            "std": list(given.std),
            "normalization": (
                "inside: give pixels 0..255"
                if form.preprocess
                else "give (pixel / 255 - mean) / std"
            ),
        },
        "outputs": {
            "logits": "of each class",
            "probabilities": "of each class, in the order of labels",
            "macs": "multiply-accumulates of what ran",
            "route": "weight of each branch of each connection; 0 did not run",
        },
        "network": {
            "name": source.model.name,
            "family": type(source.model).__name__,
            "settings": source.model.get_config(),
        },
        "threshold": form.threshold,
        "trained": source.run is not None,
        "accuracy": own[0]["accuracy"] if own else None,
        "macs": own[0]["macs_mean"] if own else None,
        "all_branches": evaluation["all_branches"] if evaluation else None,
        "dataset": evaluation["dataset"] if evaluation else None,
        "versions": versions(),
    }


def versions():
    """Returns the versions of the packages that an export depends on."""
    from tfdyn import __version__

    found = {package: importlib.metadata.version(package) for package in PACKAGES}
    return {"tfdyn": __version__, **found}
