"""Android page: what the folder holds, how to time it, how to call it from Kotlin."""

import pathlib
import re

from export import manifest
from export.android.inputs import table_text
from export.exporter import file_name
from export.graph.form import Form
from export.latency.devices.adb_benchmark import PAGE
from export.source import Source

MODELS = {
    "routed": "each image runs the branches of its own route",
    "all_branches": "every image runs all branches, and there are no gates",
    "fixed": "every image runs the branches of one route, and there are no gates",
}


def page(
    template: pathlib.Path, source: Source, form: Form, entries: dict, content: dict
) -> str:
    """Returns the page of a folder, in Markdown.

    Args:
        template: File with `{{NAME}}` for values. A line that begins with `?NAME `
            is left out if the condition NAME does not hold.
        source: `Source` of the network.
        form: `Form` of the routed model.
        entries: Mapping from variants to their entries in the manifest.
        content: Content of `inputs.json`.
    """
    input_format = source.input_format
    height, width, channels = input_format.shape
    versions = manifest.versions()
    with_threshold, threshold = form.threshold_input, content["threshold"]
    values = {
        "name": source.name,
        "tfdyn": versions["tfdyn"],
        "litert": versions["ai-edge-litert"],
        "summary": _summary(source, form, entries),
        "models": "\n".join(_models(entries)),
        "inputs": table_text(content),
        "images": content["of"],
        "kind": "test images" if content["labelled"] else "noise images",
        "fixed_share": f"{content['fixed_route_share']:.1%}",
        "classes": len(input_format.class_names),
        "labels": _shortened(input_format.class_names),
        "measurement": PAGE,
        "height": height,
        "width": width,
        "mean": ", ".join(f"{value}f" for value in input_format.mean),
        "std": ", ".join(f"{value}f" for value in input_format.std),
        "branches": source.model.route_spec.size,
        "threshold": threshold,
        "input_names": '"image"' + ', "threshold"' * with_threshold,
        "parameter": f", threshold: Float = {threshold}f" * with_threshold,
        "channels": channels,
        **_expressions(form),
        "array": "ByteArray" if form.preprocess else "FloatArray",
        "buffer": "ByteBuffer" if form.preprocess else "FloatBuffer",
        "write": "writeInt8" if form.preprocess else "writeFloat",
        # The largest logit and the largest probability are of the same class, but
        # probabilities of 8 bits may be equal.
        "scores": "logits" if form.int8_io else "probabilities",
        "read": "readInt8" if form.int8_io else "readFloat",
        "scores_buffer": "ByteBuffer" if form.int8_io else "FloatBuffer",
    }
    conditions = {
        "untrained": source.run is None,
        "threshold": with_threshold,
        "uint8": form.preprocess and not form.int8_io,
        "int8": form.int8_io,
        "bytes": form.preprocess,
        "outputs": not form.int8_io,
        "float": not form.preprocess,
        "rgb": channels == 3,
        "gray": channels == 1,
    }
    return fill(template.read_text(encoding="utf-8"), values, conditions)


def fill(text: str, values: dict, conditions: dict[str, bool]) -> str:
    """Puts values into a template, and leaves out lines whose condition fails.

    Args:
        text: The template.
        values: Mapping from names to values for `{{NAME}}`.
        conditions: Mapping from names to whether a line `?NAME ...` stays.
    """
    lines = []
    for line in text.splitlines(keepends=True):
        if mark := re.match(r"\?(\w+) ", line):
            if not conditions[mark[1]]:
                continue
            line = line[mark.end() :]
        lines.append(line)
    text = re.sub(r"\{\{(\w+)\}\}", lambda name: str(values[name[1]]), "".join(lines))
    return re.sub(r"\n{3,}", "\n\n", text)


def _summary(source, form, entries):
    threshold = "an input" if form.threshold_input else f"{form.threshold}"
    text = f"T is {threshold}; weights are {entries['routed']['precision']}."
    evaluation = source.evaluation
    accuracy = manifest.describe(source, form)["accuracy"]
    if accuracy is not None and not form.threshold_input:
        text += (
            f" On the\n{evaluation['examples']} test images of "
            f"{evaluation['dataset']} its accuracy is {accuracy:.2%}, and "
            f"{evaluation['all_branches']['accuracy']:.2%} with all branches."
        )
    return text


def _models(entries):
    for variant, entry in entries.items():
        size = f"{entry['bytes'] / 1e6:.2f} MB"
        yield f"| `{file_name(variant)}` | {MODELS[variant]} ({size}) |"


def _expressions(form):
    """Returns the Kotlin for the value that each channel of a pixel becomes."""
    channels = {"red": 0, "green": 1, "blue": 2, "gray": 0}
    if form.int8_io:
        return {name: f"({name} - 128).toByte()" for name in channels}
    if form.preprocess:
        return {name: f"{name}.toByte()" for name in channels}
    return {n: f"({n} / 255f - mean[{c}]) / std[{c}]" for n, c in channels.items()}


def _shortened(names):
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:3])}, …"
