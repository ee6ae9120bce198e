"""What `benchmarks.kills` looks at: files that are compared, broken or left over."""

import collections
import fnmatch
import hashlib
import json
import pathlib
import zipfile
from collections.abc import Iterable

import tensorflow as tf
from PIL import Image

from export.interpreter import Interpreter
from tfdyn import output
from tfdyn.errors import UserError
from tfdyn.runs.run_folder import RunFolder
from tfdyn.temporary import LIST

# What is not compared, because it differs between any two runs of a command.
LEFT_OUT = {
    "tensorboard/*": "one file for each start",
    "checkpoints/*": "names of objects: all tensors are compared",
    "fingerprint.pb": "all of it: TensorFlow draws a number",
    "*.keras": "the date in it, and how HDF5 lays out the weights, which are compared",
    "manifest.json": "convert_seconds",
    "latency.*": "times and date: all modules, routes and rounds must be there",
}
# What TensorFlow keeps in a checkpoint about objects and their names.
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
# What a file raises that is not whole.
BROKEN = (
    OSError,
    KeyError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    tf.errors.OpError,
)
# Folders in which rounds of a measurement are kept.
PARTIAL = "*.partial"


def digests(folder: pathlib.Path, sets: tuple[str, ...] = ("*",)) -> dict[str, str]:
    """Returns what is compared of a folder.

    Args:
        folder: Path of the folder.
        sets: Patterns of the paths of the files.

    Returns:
        Mapping from the paths of files, relative to the folder, to digests of their
        content, without what is `LEFT_OUT` and without temporary files.
    """
    results = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if _is_result(name) and select([name], sets) and path.is_file():
            results[name] = hashlib.sha256(_comparable(path)).hexdigest()
    return results


def select(names: Iterable[str], sets: tuple[str, ...]) -> list[str]:
    """Returns those paths that match one of the patterns."""
    return [n for n in names if any(fnmatch.fnmatch(n, pattern) for pattern in sets)]


def _is_result(name):
    return not (
        name.startswith("tensorboard/")
        or any(
            fnmatch.fnmatch(part, pattern)
            for part in name.split("/")
            for pattern in (".tfdyn-tmp-*", ".tfdyn-ready-*", ".tfdyn-lock", PARTIAL)
        )
    )


def _comparable(path):
    """Returns the bytes of a file, without what is `LEFT_OUT`."""
    try:
        if path.suffix == ".keras":
            return _model(path)
        if path.suffix == ".index":
            return _checkpoint(path)
        if path.suffix.startswith(".data-"):
            return b""
        if path.name == "manifest.json":
            content = json.loads(path.read_bytes())
            for entry in content["files"].values():
                del entry["convert_seconds"]
            return json.dumps(content).encode()
        if fnmatch.fnmatch(path.name, "latency.*.json"):
            return json.dumps(_shape(json.loads(path.read_bytes()))).encode()
        if fnmatch.fnmatch(path.name, "latency.*.png") or path.name == "fingerprint.pb":
            return b""
    except BROKEN:
        pass  # A broken file equals no other.
    return path.read_bytes()


def _model(path):
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    model = RunFolder(path.parent).load_model(path.name)
    return b"".join([config, *(weight.tobytes() for weight in model.get_weights())])


def _checkpoint(path):
    """Returns the names and the bytes of all tensors of a checkpoint."""
    reader = tf.train.load_checkpoint(str(path.with_suffix("")))
    names = sorted({*reader.get_variable_to_shape_map()} - {OBJECT_GRAPH})
    return b"".join(name.encode() + reader.get_tensor(name).tobytes() for name in names)


def _shape(content):
    """Returns the keys of nested objects, the lengths of lists, and counts."""
    if isinstance(content, dict):
        return {key: _shape(value) for key, value in content.items() if key != "date"}
    if isinstance(content, list):
        return len(content)
    return content if isinstance(content, int | str) else None


def half_written(folder: pathlib.Path) -> list[str]:
    """Returns the paths of the files in a folder that are not whole.

    Args:
        folder: Path of the folder. What lies in temporary folders and in `tensorboard/`
            is not looked at.
    """
    broken = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not _is_result(name) or path.is_dir():
            continue
        try:
            _check(path)
        except BROKEN as error:
            broken.append(f"{name} ({error})")
    return broken


def _check(path):
    """Raises an error if a file is not whole."""
    content = path.read_bytes()
    if path.suffix == ".json":
        json.loads(content)
    elif path.suffix == ".png":
        Image.open(path).verify()
    elif path.suffix == ".index":
        _checkpoint(path)
    elif path.suffix == ".tflite":
        with output.quiet():
            Interpreter(path)
    elif path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            if archive.testzip():
                raise UserError("a member is broken")
    elif path.suffix in (".csv", ".txt", ".md") and not content.endswith(b"\n"):
        raise UserError("its last line has no end")


def left_over(folder: pathlib.Path) -> list[str]:
    """Returns the paths of temporary files and folders, relative to the folder.

    Args:
        folder: Path of the folder.
    """
    paths = [*folder.rglob(".tfdyn-*"), *folder.rglob(PARTIAL)]
    names = (path.relative_to(folder).as_posix() for path in paths)
    # The list of what a whole folder holds is part of it.
    return sorted(name for name in names if not name.endswith(LIST))


def rounds_kept(folder: pathlib.Path) -> dict[str, int]:
    """Returns the number of rounds that partial folders keep, by name; not 0.

    Args:
        folder: Path of the folder that holds them.
    """
    kept = {}
    for path in folder.glob(f"{PARTIAL}/times.json"):
        times = json.loads(path.read_bytes())
        kept[path.parent.name] = min(map(len, times.values()), default=0)
    return {name: rounds for name, rounds in kept.items() if rounds}


def rounds_measured(changes: list[tuple[float, str]]) -> collections.Counter:
    """Returns the number of rounds that a command measured, by partial folder.

    Args:
        changes: What `benchmarks.killed` noted: pairs of seconds and change.
    """
    names = (what.split("/") for _, what in changes if what.startswith("os.rename"))
    return collections.Counter(path[1] for path in names if path[2:] == ["times.json"])
