"""Manifest: what was exported and checked, and what an app must know to use it."""

import dataclasses
import hashlib
import importlib.metadata
import json

from export.graph.form import Form
from export.source import Source
from tfdyn import __version__
from tfdyn.errors import UserError
from tfdyn.files import write_json
from tfdyn.reading import is_there, read_json
from tfdyn.temporary import finish

PACKAGES = ("tensorflow", "keras", "ai-edge-litert")
MANIFEST, DESCRIPTION = "manifest.json", "model.json"
# What an app must do with pixels, by the type of the input.
NORMALIZATION = {
    "uint8": "inside: give pixels 0..255",
    "int8": "inside: give pixels 0..255 less 128",
    "float32": "give (pixel / 255 - mean) / std",
}
MEND = "Move it away, or name another folder with --export_dir."


def prepare(source: Source, form: Form, name: str) -> dict[str, dict]:
    """Prepares the two files that describe an export, before the work begins.

    `model.json` describes the routed file. Until there is one, it describes the file
    of another variant that was exported first.

    Args:
        source: `Source` of the network, whose folder may hold earlier exports.
        form: `Form` of the file that is to be exported.
        name: Name of that file.

    Returns:
        Mapping from file names to contents: `manifest.json`, which lacks the entry of
        the new file, and `model.json`, which lacks its digest.

    Raises:
        UserError: If the folder holds files that no export wrote, a broken manifest or
            the export of another network; if the run's `evaluation.json` is broken; or
            as from `tfdyn.temporary.finish`.
    """
    network, earlier = fingerprint(source), _read(source.folder)
    files = earlier.get("files", {})
    same = earlier.get("network", network) == network
    if not same and ({*files} - {name} or earlier.get("source") != source.name):
        raise UserError(
            f"{source.folder} holds the export of another network, or of other weights "
            f"({earlier.get('source')}; this is {source.name}). {MEND}"
        )
    ours = {*files, DESCRIPTION} if files else set()
    for each in {name, DESCRIPTION} - ours:
        if is_there(source.folder / each):
            raise UserError(
                f"{source.folder / each} was not exported by tfdyn (no {MANIFEST} "
                f"names it) and would be replaced. {MEND}"
            )
    content = {"source": source.name, "network": network, "versions": versions()}
    contents = {MANIFEST: {**content, "files": files}}
    kept = same and form.variant != "routed" and (source.folder / DESCRIPTION).exists()
    if kept:
        contents[DESCRIPTION] = read_json(
            source.folder / DESCRIPTION, "the description of an export", MEND
        )
    else:
        contents[DESCRIPTION] = describe(source, form)
    return contents


def write(contents: dict[str, dict], name: str, entry: dict, folder) -> None:
    """Writes `manifest.json` with an exported file added, and `model.json`.

    Args:
        contents: What `prepare` returned.
        name: Name of the exported file.
        entry: What was checked, a dict ready for JSON.
        folder: Path of the folder that the two files are written in.
    """
    files = {**contents[MANIFEST]["files"], name: entry}
    contents[MANIFEST]["files"] = files
    contents[DESCRIPTION]["sha256"] = {
        each: files[each]["sha256"] for each in files if "sha256" in files[each]
    }
    quantization = {
        each: files[each]["quantization"]
        for each in files
        if "quantization" in files[each]
    }
    contents[DESCRIPTION].pop("quantization", None)
    contents[DESCRIPTION] |= {"quantization": quantization} if quantization else {}
    for file, content in contents.items():
        write_json(folder / file, content)


def fingerprint(source: Source) -> str:
    """Returns a digest of the network's weights, input format and classes."""
    digest = hashlib.sha256(
        json.dumps(dataclasses.asdict(source.input_format)).encode()
    )
    for weight in source.model.weights:
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()


def _read(folder):
    finish(folder)
    path = folder / MANIFEST
    if not is_there(path):
        return {}
    content = read_json(path, "a manifest of exports", MEND)
    if not isinstance(content.get("files"), dict):
        raise UserError(f"{path} is not a manifest of exports: it has no files. {MEND}")
    return content


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
    dtype = ("int8" if form.int8_io else "uint8") if form.preprocess else "float32"
    return {
        "labels": list(input_format.class_names),
        "input": {
            "name": "image",
            "shape": [1, *input_format.shape],
            "dtype": dtype,
            "mean": list(input_format.mean),
            "std": list(input_format.std),
            "normalization": NORMALIZATION[dtype],
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
