"""The Android folder: models, inputs, a benchmark script and a page, checked."""

import dataclasses
import pathlib
import shutil

import numpy as np

from export.android import benchmark, page
from export.android.inputs import Inputs, cost_of
from export.exporter import export_tflite
from export.graph.form import Form
from export.interpreter import Interpreter
from export.manifest import fingerprint
from export.source import Source
from tfdyn import output
from tfdyn.costs import provenance
from tfdyn.costs.cost_table import CostTable
from tfdyn.files import check_writable, whole_folder, write_json, write_text
from tfdyn.locks import locked
from tfdyn.routing.route import most_frequent
from tfdyn.temporary import check_replaceable

TEMPLATES = pathlib.Path(__file__).with_name("templates")
SCRIPT = "run_benchmark.sh"


def export_android(
    source: Source,
    form: Form,
    images: np.ndarray,
    labels: np.ndarray | None = None,
    precision: str = "float32",
    table: CostTable | None = None,
    calibration: np.ndarray | None = None,
) -> tuple[pathlib.Path, dict]:
    """Writes a folder for TFLite's stock benchmark and for an app's assets.

    The folder is `android/` in the source's export folder, and appears whole or not at
    all. It holds the routed, the all-branches and the fixed model (of the images' most
    frequent route), `model.json`, `labels.txt`, three images with a light, a median and
    a heavy route (`export.android.inputs`), `run_benchmark.sh` and a page, `README.md`.

    Args:
        source: `Source` of the network.
        form: `Form` of the routed model.
        images: uint8 images `(n, height, width, channels)` on which the models are
            checked, and from which the three images are chosen.
        labels: Their labels `(n,)`, or `None`.
        precision: Precision of the weights, one of `export.graph.form.PRECISIONS`.
        table: `CostTable` in ms, which predicts the time of each route, or `None`. The
            three images are chosen by this time, or else by MACs.
        calibration: For "int8", uint8 images on which the ranges of activations are
            observed (default: as in `export_tflite`).

    Returns:
        The folder's path and the content of its `inputs.json`.

    Raises:
        UserError: If an argument is wrong, a check fails, the folder was not made by
            this command, or another command writes into it.
        OSError: If the folder cannot be written to.
    """
    inputs = Inputs(source, form, images, labels, cost_of(source.model, table))
    folder = source.folder / "android"
    network = fingerprint(source)
    check_replaceable(folder, network)
    check_writable(source.folder)
    with locked(source.folder), whole_folder(folder, network) as temporary:
        temporary.mkdir()
        inside = dataclasses.replace(source, folder=temporary)
        entries = {}

        def write_model(variant, route=None):
            threshold_input = form.threshold_input and variant == "routed"
            variant_form = dataclasses.replace(
                form, variant=variant, threshold_input=threshold_input
            )
            path, entry = export_tflite(
                inside,
                variant_form,
                images,
                labels,
                precision,
                route,
                calibration=calibration,
            )
            entries[variant] = entry
            return path

        with_routers = write_model("routed")
        with output.quiet():  # LiteRT prints which delegate it uses.
            routed = Interpreter(with_routers)
        routes = inputs.routes(routed)
        write_model("all_branches")
        route, share = most_frequent(routes)
        write_model("fixed", route)
        indices = inputs.choose(routes)
        content = {**inputs.describe(routed, indices), "fixed_route_share": share}
        if table:
            content["cost_table"] = table.name
            content["cost_table_origin"] = provenance.origin(table)
        write_json(temporary / "inputs.json", content)
        (temporary / "inputs").mkdir()
        inputs.save_pictures(temporary / "inputs", indices)
        tensors = {name: inputs.tensors(index) for name, index in indices.items()}
        benchmark.write(temporary, tensors)
        shutil.copyfile(TEMPLATES / SCRIPT, temporary / SCRIPT)
        (temporary / SCRIPT).chmod(0o755)  # An installed package has lost its mode.
        names = source.input_format.class_names
        write_text(temporary / "labels.txt", "".join(f"{name}\n" for name in names))
        text = page.page(TEMPLATES / "README.md", inside, form, entries, content)
        write_text(temporary / "README.md", text)
    return folder, content
