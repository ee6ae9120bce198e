"""Android benchmark: what `run_benchmark.sh` runs, and the raw files it gives."""

import pathlib
import shutil
import tempfile

from export.interpreter import Interpreter
from export.latency.devices import benchmark_input
from tfdyn import output

# Where the files lie on the device; `run_benchmark.sh` puts its own folder there.
DEVICE = "FOLDER"
HEADER = f"""# What run_benchmark.sh runs, in turn: model, input, MACs, flags.
# {DEVICE} is where models and inputs/*.raw lie, side by side, on the device.
"""


def write(folder, inputs):
    """Writes inputs for all models of a folder, as the stock benchmark reads them.

    `inputs/NAME.raw` holds the bytes of an image's tensor, `inputs/threshold.raw` T;
    `benchmark.txt` says how each model is run on each.

    Args:
        folder: A `pathlib.Path`.
        inputs: Mapping from names to mappings: `image`, an array of the tensor's type,
            and `threshold`, a number, which only some of the models take, or none.
    """
    lines = [HEADER]
    for path in sorted(folder.glob("*.tflite")):
        with output.quiet():  # LiteRT tells of its delegate.
            interpreter = Interpreter(path)
        own = {
            name: {key: given[key] for key in given if key in interpreter.inputs}
            for name, given in inputs.items()
        }
        for name, flags in stage(folder / "inputs", path, own).items():
            macs = interpreter(**own[name])["macs"][0]
            lines.append(f"{path.name} {name} {macs:.0f} {flags}\n")
    (folder / "benchmark.txt").write_text("".join(lines), encoding="utf-8")


def stage(folder, path, inputs):
    """Writes raw files of one model's inputs; returns, by name, the flags for them."""
    texts = {}
    with tempfile.TemporaryDirectory() as place:
        copy, files = pathlib.Path(place), dict.fromkeys(inputs, path)
        staged = benchmark_input.stage(copy, DEVICE, files, inputs)
        for number, (name, given) in enumerate(inputs.items()):
            _, *own = staged[name]  # Without --graph.
            text = " ".join(own)
            for index, key in enumerate(given):
                old, new = f"{number}.{index}", name if key == "image" else key
                shutil.copyfile(copy / old, folder / f"{new}.raw")
                text = text.replace(f"{DEVICE}/{old}", f"{DEVICE}/{new}.raw")
            texts[name] = text
    return texts
