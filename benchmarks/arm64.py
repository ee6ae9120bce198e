"""Compares exported files on an emulated ARM64 processor with this machine's, x86-64.

`python -m benchmarks.arm64 runs/NAME/export/model.tflite --run_dir=runs/NAME`

Both run the same version of LiteRT on the same images. The command fails if a file's
class, route or MACs differ on an image, or its logits by more than `--tolerance`. It
counts the ARM64 instructions that an image takes, the same number in each run. Where
the emulator cannot be set up, it says why, and that is no failure.
"""

import pathlib
import re
import sys
import tempfile

import numpy as np
from absl import flags

from benchmarks import emulated
from benchmarks.emulator import CPU, Emulator, set_up
from benchmarks.emulator_packages import UnavailableError
from export import description
from export.interpreter import Interpreter, check_exists
from tfdyn import commands, output
from tfdyn.errors import UserError
from tfdyn.text import align, readable

FLAGS = flags.FLAGS


def inputs_of(path: pathlib.Path, images: np.ndarray | int) -> dict[str, np.ndarray]:
    """Returns the inputs of an exported file for a few images.

    Args:
        path: The `.tflite` file. Its `model.json` lies beside it.
        images: uint8 images `(n, height, width, channels)`, or n, for images of noise.

    Returns:
        Mapping from names to arrays `(n, ...)`: `image` and, if the file takes them,
        `threshold`, T of `model.json`, and `route`, of random branches.

    Raises:
        UserError: If a file is missing or broken, or the images have another shape.
    """
    path, random = pathlib.Path(path), np.random.default_rng(0)
    check_exists(path)
    form, threshold, digests = description.read(path.with_name("model.json"))
    description.check_digest(path, digests)
    with output.quiet():  # LiteRT prints which delegate it uses.
        expected = Interpreter(path).inputs
    if isinstance(images, int):
        images = random.integers(0, 256, (images, *form.shape), "uint8")
    if images.shape[1:] != form.shape:
        raise UserError(
            f"{path} reads images of {form.shape}; the run has images of "
            f"{images.shape[1:]}. Name the run that was exported with --run_dir."
        )
    count, is_uint8 = len(images), expected["image"].dtype == "uint8"
    inputs = {"image": images if is_uint8 else np.asarray(form.normalize(images))}
    if "threshold" in expected:
        inputs["threshold"] = np.full(count, threshold, "float32")
    if "route" in expected:
        shape = (count, expected["route"].size)
        inputs["route"] = random.integers(0, 2, shape).astype("float32")
    return inputs


def compare(
    emulator: Emulator, path: pathlib.Path, inputs: dict[str, np.ndarray]
) -> dict:
    """Compares a file's outputs on both processors.

    Args:
        emulator: What `set_up` returned.
        path: The `.tflite` file.
        inputs: What `inputs_of` returned.

    Returns:
        A dict ready for JSON: the number of `images`; of how many the class, the
        branches that run, and the MACs are the same: `same_class`, `same_route`,
        `same_macs`; `logits`, the largest difference of a logit; `macs` and
        `instructions`, the means over the images. The latter is `None` if they were not
        counted.
    """
    path = pathlib.Path(path).resolve()
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/inputs.npz", f"{folder}/outputs.npz"
        np.savez(source, **inputs)
        printed = emulator.run(
            pathlib.Path(emulated.__file__), str(path), source, target
        )
        with np.load(target) as arrays:
            there = dict(arrays)
    with output.quiet():
        here = emulated.run(path, inputs)
    counts = np.array(re.findall(r"^instructions (\d+)$", printed, re.M), "int64")
    classes = [outputs["logits"].argmax(-1) for outputs in (here, there)]
    routes = [outputs["route"] != 0 for outputs in (here, there)]
    return {
        "file": str(path),
        "images": len(here["macs"]),
        "same_class": int(np.sum(classes[0] == classes[1])),
        "same_route": int(np.sum((routes[0] == routes[1]).all(-1))),
        "same_macs": int(np.sum(here["macs"] == there["macs"])),
        "logits": float(np.abs(here["logits"] - there["logits"]).max()),
        "macs": float(here["macs"].mean()),
        "instructions": float((counts[1::2] - counts[::2]).mean())
        if counts.size
        else None,
    }


def differs(row: dict, tolerance: float) -> bool:
    """Returns whether a file differs between the processors.

    Args:
        row: What `compare` returned.
        tolerance: Largest difference of a logit that is none.
    """
    same = (row[name] == row["images"] for name in row if name.startswith("same_"))
    return not all(same) or not row["logits"] <= tolerance


def text(content: dict) -> str:
    """Returns the content of the report as a table.

    Args:
        content: A dict with `files`, a list of what `compare` returned.
    """
    rows = [["", "class", "route", "MACs", "logits", "MACs an image", "instructions"]]
    for row in content["files"]:
        file = pathlib.Path(row["file"])
        count = row["instructions"]
        rows.append(
            [
                "/".join(file.parts[-3:]),
                *(
                    f"{row[f'same_{name}']}/{row['images']}"
                    for name in ("class", "route", "macs")
                ),
                f"{row['logits']:.1e}",
                readable(row["macs"]),
                "not counted" if count is None else readable(count),
            ]
        )
    return (
        f"ARM64 ({CPU}, emulated) against x86-64: images of the same class, route and "
        f"MACs,\nlargest difference of a logit; means over the images\n{align(rows)}"
    )


def main(paths: list[str]) -> None:
    """Runs the command on the flags.

    Args:
        paths: Exported files.
    """
    if not paths:
        raise UserError(
            "No exported file was named: name one or more, as in `python -m "
            "benchmarks.arm64 runs/NAME/export/model.tflite`."
        )
    images = FLAGS.images
    if FLAGS.run_dir:
        from export import source as sources  # Heavy: it imports TensorFlow.

        images, _ = sources.from_run(FLAGS.run_dir).test_images(FLAGS.images)
    inputs = {path: inputs_of(path, images) for path in paths}
    folder = FLAGS.emulator_dir and pathlib.Path(FLAGS.emulator_dir)
    try:
        emulator = set_up(folder)
    except UnavailableError as error:
        commands.report({"skipped": str(error)}, f"skipped: {error}")
        return
    rows = [compare(emulator, path, inputs[path]) for path in paths]
    content = {"cpu": CPU, "tolerance": FLAGS.tolerance, "files": rows}
    commands.report(content, text(content))
    different = [row["file"] for row in rows if differs(row, FLAGS.tolerance)]
    if different:
        sys.exit(
            f"error: {', '.join(different)}: not the same on ARM64 and x86-64. The "
            f"limit on logits is --tolerance={FLAGS.tolerance:g}."
        )


if __name__ == "__main__":
    commands.define_run_dir(
        "Run whose test images the files classify (default: images of noise)."
    )
    flags.DEFINE_integer("images", 24, "Number of images.", lower_bound=1)
    flags.DEFINE_float(
        "tolerance",
        1e-3,
        "Largest difference of a logit that is none. With --precision=dynamic, which "
        "rounds activations while it runs, 0.2 is usual.",
        lower_bound=0,
    )
    flags.DEFINE_string(
        "emulator_dir",
        None,
        "Folder of the emulator, which the first command fills (default: tfdyn/arm64 "
        "in the user's cache).",
    )
    commands.define_json()
    flags.adopt_module_key_flags(commands)  # So that --help lists them.
    commands.run(main, arguments=True)
