"""Android benchmark: what `run_benchmark.sh` runs, and the raw files that it uses."""

import pathlib
import shutil
import tempfile

from export.interpreter import Interpreter
from export.latency.devices import benchmark_input
from tfdyn import output

# Placeholder for the folder on the device; `run_benchmark.sh` fills it in.
DEVICE = "FOLDER"
HEADER = f"""# What run_benchmark.sh runs, in turn: model, input, MACs, flags.
# {DEVICE} stands for the folder on the device with the models and inputs/*.raw.
"""


def write(folder: pathlib.Path, inputs: dict[str, dict]) -> None:
    """Writes inputs for all models of a folder, as the stock benchmark reads them.

    `inputs/NAME.raw` holds the bytes of an image, `inputs/threshold.raw` those of T.
    `benchmark.txt` has a line of flags for each model and each image.

    Args:
        folder: Folder with the `.tflite` files and a folder `inputs/`.
        inputs: Mapping from names to the models' inputs: `image`, an array of the
            model's type, and `threshold`, a number, which not all models take.
    """
    lines = [HEADER]
    for path in sorted(folder.glob("*.tflite")):
        with output.quiet():  # LiteRT prints which delegate it uses.
            interpreter = Interpreter(path)
        of_model = {
            name: {key: tensors[key] for key in tensors if key in interpreter.inputs}
            for name, tensors in inputs.items()
        }
        for name, flags in stage(folder / "inputs", path, of_model).items():
            macs = interpreter(**of_model[name])["macs"][0]
            lines.append(f"{path.name} {name} {macs:.0f} {flags}\n")
    (folder / "benchmark.txt").write_text("".join(lines), encoding="utf-8")


def stage(
    folder: pathlib.Path, path: pathlib.Path, inputs: dict[str, dict]
) -> dict[str, str]:
    """Writes the raw files of one model's inputs.

    Args:
        folder: Folder of the raw files.
        path: The model's `.tflite` file.
        inputs: Mapping from names to the model's inputs.

    Returns:
        Mapping from names to the benchmark's flags for them.
    """
    texts = {}
    with tempfile.TemporaryDirectory() as place:
        copy, files = pathlib.Path(place), dict.fromkeys(inputs, path)
        staged = benchmark_input.stage(copy, DEVICE, files, inputs)
        for number, (name, tensors) in enumerate(inputs.items()):
            _, *flags = staged[name]  # Without --graph.
            text = " ".join(flags)
            for index, key in enumerate(tensors):
                old, new = f"{number}.{index}", name if key == "image" else key
                shutil.copyfile(copy / old, folder / f"{new}.raw")
                text = text.replace(f"{DEVICE}/{old}", f"{DEVICE}/{new}.raw")
            texts[name] = text
    return texts
