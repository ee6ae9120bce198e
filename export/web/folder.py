"""The web folder: a page, LiteRT.js, models and test images, whole and checked."""

import dataclasses
import gzip
import hashlib
import json
import pathlib
import shutil

import numpy as np
from tqdm import tqdm

from export import manifest
from export.browser import litert_js
from export.exporter import export_tflite, file_name
from export.graph.form import Form
from export.interpreter import Interpreter
from export.manifest import fingerprint
from export.source import Source
from export.web import layout, pictures
from tfdyn import output
from tfdyn.errors import UserError
from tfdyn.files import check_writable, to_json, whole_folder, write_json, write_text
from tfdyn.locks import locked
from tfdyn.routing.route import most_frequent
from tfdyn.temporary import check_replaceable

TEMPLATES = pathlib.Path(__file__).with_name("templates")
VARIANTS = ("routed", "all_branches", "fixed")
DATA, SHEET, WORKER = "network.json", "images.png", "service_worker.js"


def export_web(
    source: Source,
    form: Form,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    precision: str = "float16",
    packages: str | pathlib.Path | None = None,
) -> tuple[pathlib.Path, dict]:
    """Writes a folder of static files: a page that classifies images in a browser.

    The folder is `web/` in the source's export folder, and appears whole or not at all.
    It holds the page, LiteRT.js, the routed, the all-branches and the fixed model (of
    the images' most frequent route), some of the images, and `network.json`, from which
    the page draws.

    Args:
        source: `Source` of the network.
        form: `Form` of the routed model. A network without routers has no use for T as
            an input, and gets none.
        images: uint8 images `(n, height, width, channels)` of 1 or 3 channels, on which
            the models are checked, and from which those of the page are chosen.
        labels: Their labels `(n,)`, or `None`.
        precision: Precision of the weights, one of `export.graph.form.PRECISIONS`.
        packages: As for `export.browser.litert_js.copy_runtime`.

    Returns:
        The folder's path and the content of its `network.json`.

    Raises:
        UserError: If an argument is wrong, a check fails, LiteRT.js cannot be had, the
            folder was not made by this command, or another command writes into it.
        OSError: If the folder cannot be written to.
    """
    if source.input_format.shape[-1] not in (1, 3):
        raise UserError(
            f"A page shows images of 1 or 3 channels; {source.name} reads images of "
            f"the shape {source.input_format.shape}."
        )
    if not source.model.has_routers:
        form = dataclasses.replace(form, threshold_input=False)
    folder, network = source.folder / "web", fingerprint(source)
    check_replaceable(folder, network)
    check_writable(source.folder)
    with locked(source.folder), whole_folder(folder, network) as temporary:
        temporary.mkdir()
        # First, because it is what fails where there is no network.
        litert_js.copy_runtime(temporary / "litert", packages)
        inside = dataclasses.replace(source, folder=temporary)
        entries, route, share = {}, None, None
        for variant in VARIANTS:
            variant_form = dataclasses.replace(
                form,
                variant=variant,
                threshold_input=form.threshold_input and variant == "routed",
            )
            path, entries[variant] = export_tflite(
                inside,
                variant_form,
                images,
                labels,
                precision,
                route if variant == "fixed" else None,
            )
            if variant == "routed":
                outputs = _classify(source, form, path, images)
                route, share = most_frequent(outputs["route"])
        content = describe(source, form, entries, outputs, labels)
        content["fixed_share"] = share
        indices = content.pop("indices")
        pictures.save_sheet(temporary / SHEET, images[indices])
        for variant in VARIANTS:
            _compress(temporary / file_name(variant))
        write_json(temporary / DATA, content)
        _copy_page(temporary)
    return folder, content


def describe(
    source: Source, form: Form, entries: dict, outputs: dict, labels: np.ndarray | None
) -> dict:
    """Returns the content of `network.json`.

    Args:
        source: `Source` of the network.
        form: `Form` of the routed model.
        entries: Mapping from variants to their entries in the manifest.
        outputs: Outputs of the routed model for the images, arrays by name.
        labels: Labels of the images `(n,)`, or `None`.

    Returns:
        A dict ready for JSON. Beside what the page shows it has `indices`: which of the
        images are on the page.
    """
    input_format, model = source.input_format, source.model
    names, shape = list(input_format.class_names), input_format.shape
    best = outputs["probabilities"].max(axis=-1)
    indices = pictures.choose(outputs["macs"], best, shape[0] * shape[1])
    description = manifest.describe(source, form)
    return {
        "name": model.name,
        "run": pathlib.Path(source.name).name,
        "family": type(model).__name__,
        "trained": source.run is not None,
        "dataset": description["dataset"],
        "accuracy": description["accuracy"],
        "labels": names,
        "input": {**description["input"], "shape": list(shape)},
        "threshold": {
            "value": form.input_threshold,
            "is_input": form.threshold_input,
            "has_routers": model.has_routers,
        },
        "models": {
            variant: {
                "file": f"{file_name(variant)}.gz",
                "bytes": entry["bytes"],
                "sha256": entry["sha256"],
                "precision": entry["precision"],
            }
            for variant, entry in entries.items()
        },
        "macs": {
            "always": float(model.route_cost.fixed),
            "all_branches": float(
                model.route_cost.total(
                    model.route_spec.split(model.route_spec.all_branches())
                )[0]
            ),
        },
        "graphs": layout.graphs_of(model),
        "images": {
            "file": SHEET,
            "columns": pictures.COLUMNS,
            "are_noise": labels is None,
            "of": len(best),
            "items": [
                {
                    "label": None if labels is None else names[labels[index]],
                    "predicted": names[outputs["probabilities"][index].argmax()],
                    "macs": int(outputs["macs"][index]),
                }
                for index in indices
            ],
        },
        "indices": indices,
        "versions": {**manifest.versions(), "litert_js": litert_js.VERSION},
    }


def bytes_loaded(folder: pathlib.Path) -> int:
    """Returns how many bytes a browser loads: one build of LiteRT.js, and the rest.

    Args:
        folder: Path of the folder.
    """
    others = [f"{build}." for build in litert_js.BUILDS if build != "relaxed"]
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(tuple(others))
    )


def _classify(source, form, path, images):
    """Returns the outputs of the routed model for all images, arrays by name."""
    with output.quiet():  # LiteRT prints which delegate it uses.
        model = Interpreter(path)
    tensors = images if form.preprocess else source.input_format.normalize(images)
    others = {"threshold": form.input_threshold} if form.threshold_input else {}
    rows = tqdm(np.asarray(tensors), "classifying", leave=False, disable=None)
    outputs = [model(image=image, **others) for image in rows]
    return {name: np.concatenate([row[name] for row in outputs]) for name in outputs[0]}


def _compress(path):
    """Replaces a file by `NAME.gz`: servers of static files seldom compress."""
    path.with_name(f"{path.name}.gz").write_bytes(
        gzip.compress(path.read_bytes(), mtime=0)
    )
    path.unlink()


def _copy_page(folder):
    """Copies the page, and names all files to its worker, which keeps them."""
    shutil.copyfile(litert_js.TEMPLATES / "runtime.js", folder / "runtime.js")
    shutil.copyfile(litert_js.TEMPLATES / "timing.js", folder / "timing.js")
    for path in sorted(TEMPLATES.iterdir()):
        shutil.copyfile(path, folder / path.name)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    # Which build of LiteRT.js a browser needs, only that browser knows.
    names = [path.relative_to(folder).as_posix() for path in files]
    names = [n for n in names if n not in (WORKER, "manifest.json")]
    builds = tuple(f"litert/{build}." for build in litert_js.BUILDS)
    names = [name for name in names if not name.startswith(builds)]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    code = (folder / WORKER).read_text("utf-8")
    code = code.replace('"VERSION"', json.dumps(digest.hexdigest()[:16]))
    code = code.replace('["FILES"]', to_json(["./", *names]))
    write_text(folder / WORKER, code)
