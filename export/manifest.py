"""Manifest: what was exported and checked, and what an app must know to use it."""

import importlib.metadata
import json

from export.graph.form import Form
from export.source import Source
from tfdyn import __version__
from tfdyn.errors import UserError
from tfdyn.files import write_json

PACKAGES = ("tensorflow", "keras", "ai-edge-litert")


def write(source: Source, form: Form, name: str, entry: dict, folder) -> None:
    """Writes `manifest.json` with an exported file added, and `model.json`.

    `model.json` describes the routed file. Until there is one, it describes the file
    of another variant that was exported first.

    Args:
        source: `Source` of the network, whose folder may hold earlier exports.
        form: `Form` of the exported file.
        name: Name of the exported file.
        entry: What was checked, a dict ready for JSON.
        folder: Path of the folder that the two files are written in.

    Raises:
        UserError: If the folder holds a `manifest.json` that is not a manifest.
    """
    path = source.folder / "manifest.json"
    files = {**_files(path), name: entry}
    content = {"source": source.name, "versions": versions(), "files": files}
    if form.variant == "routed" or not (source.folder / "model.json").exists():
        write_json(folder / "model.json", describe(source, form))
    write_json(folder / "manifest.json", content)


def _files(path):
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["files"])
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path} is not a manifest of exports ({type(error).__name__}: {error}): "
            f"remove it, or name another folder with --export_dir."
        ) from error


def describe(source: Source, form: Form) -> dict:
    """Returns the content of `model.json`.

    Args:
        source: `Source` of the network.
        form: `Form` of the exported file. The accuracy and the MACs are those of the
            run's evaluation at the form's T, or `None` if that T was not evaluated.
    """
    input_format, evaluation = source.input_format, source.evaluation
    rows = evaluation["routed"] if evaluation else []
    rows = [row for row in rows if row["threshold"] == form.threshold]
    return {
        "labels": list(input_format.class_names),
        "input": {
            "name": "image",
            "shape": [1, *input_format.shape],
            "dtype": "uint8" if form.preprocess else "float32",
            "mean": list(input_format.mean),
            "std": list(input_format.std),
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
        "accuracy": rows[0]["accuracy"] if rows else None,
        "macs": rows[0]["macs_mean"] if rows else None,
        "all_branches": evaluation["all_branches"] if evaluation else None,
        "dataset": evaluation["dataset"] if evaluation else None,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Returns the versions of tfdyn and of the packages that an export depends on."""
    packages = {package: importlib.metadata.version(package) for package in PACKAGES}
    return {"tfdyn": __version__, **packages}
