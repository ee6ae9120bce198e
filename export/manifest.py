"""Manifest: what was exported and found, and what an app must know of it."""

import importlib.metadata
import json

from tfdyn import __version__
from tfdyn.errors import UserError
from tfdyn.files import write_json

PACKAGES = ("tensorflow", "keras", "ai-edge-litert")


def write(source, form, name, entry):
    """Writes a file's entry to `manifest.json`, and `model.json`: of the routed one.

    Raises:
        ValueError: If there is a `manifest.json` that is none.
    """
    path = source.folder / "manifest.json"
    files = {**_files(path), name: entry}
    content = {"source": source.name, "versions": versions(), "files": files}
    description = source.folder / "model.json"
    if form.variant == "routed" or not description.exists():
        write_json(description, describe(source, form))
    write_json(path, content)


def _files(path):
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["files"])
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path} is not a manifest of exports ({type(error).__name__}: {error}); "
            f"remove it, or choose another folder by --export_dir."
        ) from error


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
    found = {package: importlib.metadata.version(package) for package in PACKAGES}
    return {"tfdyn": __version__, **found}
