"""Android page: what is in the folder, how to time it, how to call it from Kotlin."""

import re

from export import manifest, tflite
from export.android import inputs as android_inputs
from export.latency.devices.adb_benchmark import PAGE

MODELS = {
    "routed": "each image runs the branches of its own route",
    "all_branches": "every image runs all branches, and there are no gates",
    "fixed": "every image runs the branches of one route, and there are no gates",
}


def page(template, source, form, entries, found):
    """Returns the page of a folder, in Markdown.

    Args:
        template: File with `{{NAME}}` for values; a line that begins with `?NAME `
            stands only where that is so.
        source: `Source` of the network.
        form: `Form` of the routed model.
        entries: Mapping from variants to their entries in the manifest.
        found: Content of `inputs.json`.
    """
    given = source.input_format
    height, width, channels = given.shape
    versions, kind = (
        manifest.versions(),
        "test images" if source.run else "noise images",
    )
    values = {
        "name": source.name,
        "tfdyn": versions["tfdyn"],
        "litert": versions["ai-edge-litert"],
        "summary": _summary(source, form, entries),
        "models": "\n".join(_models(entries)),
        "inputs": "\n".join(android_inputs.table_lines(found)),
        "images": found["of"],
        "kind": kind,
        "fixed_share": f"{found['fixed_route_share']:.1%}",
        "classes": len(given.class_names),
        "labels": _shortened(given.class_names),
        "measurement": PAGE,
        "height": height,
        "width": width,
        "mean": ", ".join(f"{value}f" for value in given.mean),
        "std": ", ".join(f"{value}f" for value in given.std),
        "branches": source.model.route_spec.size,
        "threshold": found["threshold"],
        "input_names": '"image"' + ', "threshold"' * form.threshold_input,
        "parameter": f", threshold: Float = {found['threshold']}f"
        if form.threshold_input
        else "",
        "channels": channels,
        **_expressions(form.preprocess),
        "array": "ByteArray" if form.preprocess else "FloatArray",
        "buffer": "ByteBuffer" if form.preprocess else "FloatBuffer",
        "write": "writeInt8" if form.preprocess else "writeFloat",
    }
    conditions = {
        "untrained": source.run is None,
        "threshold": form.threshold_input,
        "uint8": form.preprocess,
        "float": not form.preprocess,
        "rgb": channels == 3,
        "gray": channels == 1,
    }
    return fill(template.read_text(encoding="utf-8"), values, conditions)


def fill(text, values, conditions):
    """Puts values into a template, and leaves out the lines of what is not so."""
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
    if evaluation and not form.threshold_input:
        own = [r for r in evaluation["routed"] if r["threshold"] == form.threshold]
        for row in own:
            text += (
                f" On the\n{evaluation['examples']} test images of "
                f"{evaluation['dataset']} it is right on {row['accuracy']:.2%}, and on "
                f"{evaluation['all_branches']['accuracy']:.2%} with all branches."
            )
    return text


def _models(entries):
    for variant, entry in entries.items():
        size = f"{entry['bytes'] / 1e6:.2f} MB"
        yield f"| `{tflite.file_name(variant)}` | {MODELS[variant]} ({size}) |"


def _expressions(preprocess):
    """Returns the Kotlin for the value that each channel of a pixel becomes."""
    channels = {"red": 0, "green": 1, "blue": 2, "gray": 0}
    if preprocess:
        return {name: f"{name}.toByte()" for name in channels}
    return {n: f"({n} / 255f - mean[{c}]) / std[{c}]" for n, c in channels.items()}


def _shortened(names):
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:3])}, …"
