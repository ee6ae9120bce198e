"""Benchmark input: the files and flags by which TFLite's benchmark gets its inputs."""

import pathlib
import re
import shutil

import numpy as np
from ai_edge_litert import interpreter

from export.interpreter import explain_errors
from tfdyn.errors import UserError


def stage(
    folder: pathlib.Path, remote: str, files: dict, inputs: dict[str, dict]
) -> dict[str, list[str]]:
    """Copies each file once into a folder, and writes the inputs beside the files.

    Args:
        folder: Folder of the copies (`0.tflite`, `1.tflite`, ...) and of the inputs
            (`0.0`, `0.1`, ...: the index of the name, a dot, the index of the input).
        remote: Folder on the device to which all this will be pushed.
        files: Mapping from names to paths of `.tflite` files.
        inputs: Mapping from names to mappings from names of inputs to arrays.

    Returns:
        Mapping from names to lists of flags of the benchmark.

    Raises:
        UserError: If a file is missing or broken, has no input of a name, or has an
            input whose name the benchmark's flags cannot hold.
        ValueError: If an array does not fit its input's shape.
    """
    paths = list(dict.fromkeys(files.values()))
    details = [_inputs(path) for path in paths]
    for index, path in enumerate(paths):
        shutil.copyfile(path, folder / f"{index}.tflite")
    flags = {}
    for number, (name, path) in enumerate(files.items()):
        index = paths.index(path)
        local, arrays = folder / str(number), inputs.get(name, {})
        input_flags = _input_flags(local, remote, path, details[index], arrays)
        flags[name] = [f"--graph={remote}/{index}.tflite", *input_flags]
    return flags


def _input_flags(local, remote, path, details, arrays):
    """Writes inputs to `local` with endings `.0`, `.1`, ...; returns their flags."""
    if not arrays:
        return []
    values = []
    for index, (name, value) in enumerate(arrays.items()):
        if name not in details:
            raise UserError(
                f"{path} has the inputs {', '.join(details)}; got {name}. Pass one of "
                f"them."
            )
        shape, dtype = details[name]
        file = local.with_suffix(f".{index}")
        file.write_bytes(np.asarray(value, dtype).reshape(shape).tobytes())
        values.append(f"{name}:{remote}/{file.name}")
    # The benchmark needs the names and shapes of all inputs, in the graph's order.
    shapes = [",".join(map(str, shape)) for shape, _ in details.values()]
    if not shapes[-1]:  # It ignores an empty shape (a scalar) if nothing follows.
        shapes.append("")
    return [
        f"--input_layer={','.join(details)}",
        f"--input_layer_shape={':'.join(shapes)}",
        f"--input_layer_value_files={','.join(values)}",
    ]


def _inputs(path):
    """Returns a mapping from a file's inputs, in order, to their shapes and dtypes."""
    with explain_errors(path):
        rows = interpreter.Interpreter(str(path)).get_input_details()
    if bad := [row["name"] for row in rows if re.search(r"[\s,:]", row["name"])]:
        raise UserError(
            f"{path} has inputs that the benchmark's flags cannot name, because of "
            f"spaces, commas or colons in their names: {bad}. Export it again with "
            f"`python -m export.tflite`."
        )
    return {row["name"]: (tuple(row["shape"]), row["dtype"]) for row in rows}
