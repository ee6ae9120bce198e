"""Benchmark input: what TFLite's benchmark is told of a file and its inputs."""

import pathlib
import re
import shutil

import numpy as np
from ai_edge_litert import interpreter

from tfdyn.errors import UserError


def stage(folder, remote, files, inputs):
    """Copies files, each once, and the inputs of each name into a folder.

    Args:
        folder: `pathlib.Path` of the copies, `0.tflite`, … and `0.0`, ….
        remote: Folder of the device to which they will be pushed.
        files: Mapping from names to paths of `.tflite` files.
        inputs: Mapping from names to mappings from names of inputs to arrays.

    Returns:
        Mapping from names to the flags for them, lists of texts.

    Raises:
        ValueError: If a file is missing or broken, or an input is not one of its own.
    """
    paths = list(dict.fromkeys(files.values()))
    details = [_inputs(path) for path in paths]
    for index, path in enumerate(paths):
        shutil.copyfile(path, folder / f"{index}.tflite")
    flags = {}
    for number, (name, path) in enumerate(files.items()):
        index, given = paths.index(path), inputs.get(name, {})
        own = _input_flags(folder / str(number), remote, path, details[index], given)
        flags[name] = [f"--graph={remote}/{index}.tflite", *own]
    return flags


def _input_flags(local, remote, path, details, given):
    """Writes the inputs of one name to `local` with `.0`, …; returns their flags."""
    if not given:
        return []
    values = []
    for index, (name, value) in enumerate(given.items()):
        if name not in details:
            raise UserError(f"{path} has the inputs {', '.join(details)}; got {name}.")
        shape, dtype = details[name]
        file = local.with_suffix(f".{index}")
        file.write_bytes(np.asarray(value, dtype).reshape(shape).tobytes())
        values.append(f"{name}:{remote}/{file.name}")
    # It is to be told of all, in the order of the graph.
    shapes = [",".join(map(str, shape)) for shape, _ in details.values()]
    if not shapes[-1]:  # It sees a scalar at the end only if something follows.
        shapes.append("")
    return [
        f"--input_layer={','.join(details)}",
        f"--input_layer_shape={':'.join(shapes)}",
        f"--input_layer_value_files={','.join(values)}",
    ]


def _inputs(path):
    """Returns the inputs of a file by name, in their order: shapes and dtypes."""
    if not pathlib.Path(path).is_file():
        raise UserError(
            f"There is no file {path}: make it by `python -m export.tflite`."
        )
    try:
        rows = interpreter.Interpreter(str(path)).get_input_details()
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"{path} is truncated or not a .tflite file of `python -m export.tflite` "
            f"({error})."
        ) from error
    if bad := [row["name"] for row in rows if re.search(r"[\s,:]", row["name"])]:
        raise UserError(
            f"{path} has inputs that the benchmark cannot be told of, for spaces, "
            f"commas or colons in their names: {bad}. Export it again."
        )
    return {row["name"]: (tuple(row["shape"]), row["dtype"]) for row in rows}
