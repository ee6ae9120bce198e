"""Benchmark input: what TFLite's benchmark is told of a file and its inputs."""

import pathlib
import re
import shutil

import numpy as np


def stage(local, remote, path, given):
    """Copies a file and its inputs to files of one name.

    Args:
        local: Path of the copies, to which `.tflite`, `.0`, `.1`, … are added.
        remote: Folder of the device to which they will be pushed.
        path: The `.tflite` file.
        given: Mapping from names of inputs to arrays.

    Returns:
        The flags for them, a list of texts.

    Raises:
        ValueError: If the file is missing or broken, or an input is not one of its own.
    """
    details = _inputs(path)
    for name in given:
        if name not in details:
            raise ValueError(f"{path} has the inputs {', '.join(details)}; got {name}.")
    shutil.copyfile(path, local.with_suffix(".tflite"))
    flags = [f"--graph={remote}/{local.name}.tflite"]
    if not given:
        return flags
    values = []
    for index, (name, value) in enumerate(given.items()):
        shape, dtype = details[name]
        file = local.with_suffix(f".{index}")
        file.write_bytes(np.asarray(value, dtype).reshape(shape).tobytes())
        values.append(f"{name}:{remote}/{file.name}")
    # It is to be told of all, in the order of the graph.
    shapes = [",".join(map(str, shape)) for shape, _ in details.values()]
    if not shapes[-1]:  # It sees a scalar at the end only if something follows.
        shapes.append("")
    return [
        *flags,
        f"--input_layer={','.join(details)}",
        f"--input_layer_shape={':'.join(shapes)}",
        f"--input_layer_value_files={','.join(values)}",
    ]


def _inputs(path):
    """Returns the inputs of a file by name, in their order: shapes and dtypes."""
    from ai_edge_litert import interpreter

    if not pathlib.Path(path).is_file():
        raise ValueError(
            f"There is no file {path}: make it by `python -m export.tflite`."
        )
    try:
        rows = interpreter.Interpreter(str(path)).get_input_details()
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} is truncated or not a .tflite file of `python -m export.tflite` "
            f"({error})."
        ) from error
    if bad := [row["name"] for row in rows if re.search(r"[\s,:]", row["name"])]:
        raise ValueError(
            f"{path} has inputs that the benchmark cannot be told of, for spaces, "
            f"commas or colons in their names: {bad}. Export it again."
        )
    return {row["name"]: (tuple(row["shape"]), row["dtype"]) for row in rows}
