"""Compressor: makes the full-integer file of one fixed route, and compares it."""

import dataclasses
import gzip
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

from export import manifest
from export.checks import int8_io_check, precision_check
from export.compression.worker import Job
from export.exporter import export_tflite
from export.graph.flatbuffer import Flatbuffer
from export.graph.form import Form
from export.interpreter import Interpreter
from export.latency import rounds
from export.latency.devices.host import Host
from export.source import Source
from tfdyn.errors import UserError
from tfdyn.files import whole_set
from tfdyn.locks import locked
from tfdyn.output import quiet
from tfdyn.text import align

# Smallest and largest number of rounds of timing.
ROUNDS = 7, 15
# Number of test images on which the file of float32 is compared with Keras.
CHECKED = 256


def compress(
    source: Source,
    route: np.ndarray,
    job: Job,
    images: np.ndarray,
    labels: np.ndarray,
    stem: str = "model.fixed",
) -> dict:
    """Compresses the network of one route, and compares it with float32.

    Writes two files: `STEM.tflite` of float32, and `STEM.METHOD.tflite`. Neither is
    kept if it fails a check.

    Args:
        source: `Source` of a run.
        route: Flat route `(branches of all MixedOps,)`.
        job: `Job`; its paths are set here.
        images: uint8 test images `(n, height, width, channels)`.
        labels: Their labels `(n,)`.
        stem: Beginning of the names of the files.

    Returns:
        A dict ready for JSON: `file`; `images`, how many; the settings of the job;
        `result`, as `export.compression.worker.compress` returns it; and for "float32"
        and "int8" the `accuracy` on the images, `bytes`, `gzip_bytes` and `ms`, the
        median of an image on one thread.

    Raises:
        UserError: If there are fewer training images than in a batch, the network has
            an operation that cannot be rebuilt, the data are missing, a check fails, or
            the folder holds what is not of this network.
        RuntimeError: If the worker stops by a fault of its own.
    """
    count = source.dataset.num_examples("train")
    count = min(count, job.train_images or count)
    if job.batch_size > count:
        raise UserError(
            f"--batch_size={job.batch_size} is more than the {count} training images "
            f"of an epoch; make it smaller."
        )
    form = Form("fixed", source.model.threshold)
    few = images[:CHECKED], labels[:CHECKED]
    base, _ = export_tflite(source, form, *few, route=route, name=f"{stem}.tflite")
    name = f"{stem}.{job.method.replace('+', '_')}.tflite"
    with locked(source.folder):
        contents = manifest.prepare(source, form, name)
        with whole_set(source.folder) as temporary:
            output = temporary / name
            job = dataclasses.replace(job, base=str(base), output=str(output))
            result = _run_worker(job)
            compared = _compare({"float32": base, "int8": output}, images, labels)
            settings = dataclasses.asdict(job)
            for path in ("base", "output", "run", "data_dir"):
                del settings[path]
            entry = {
                **_check(output, job.int8_io),
                "route": source.model.route_spec.to_json(route),
                "compression": {**settings, **result},
                "accuracy": compared["int8"]["accuracy"],
            }
            manifest.write(contents, name, entry, temporary)
    file = str(source.folder / name)
    return {
        "file": file,
        "images": len(images),
        **settings,
        "result": result,
        **compared,
    }


def _check(path, int8_io):
    """Checks that a file is full integer, and returns what its entry says of it."""
    content = path.read_bytes()
    entry = {
        "variant": "fixed",
        "precision": "int8",
        "preprocess": True,
        "int8_io": int8_io,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "convolutions": precision_check.check(Flatbuffer(content), "int8"),
    }
    if int8_io:
        with quiet():  # LiteRT prints the name of its delegate.
            interpreter = Interpreter(path)
        entry["quantization"] = int8_io_check.check(interpreter, int8_io)
    return entry


def _run_worker(job):
    """Runs the worker in a process of its own, and returns its result."""
    root = pathlib.Path(__file__).parents[2]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_USE_LEGACY_KERAS": "1",
    }
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "job.json")
        file.write_text(json.dumps(dataclasses.asdict(job)))
        process = subprocess.run(
            [sys.executable, "-m", "export.compression.worker", str(file)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
    if process.returncode:
        raise RuntimeError(
            f"The process that compresses stopped with the status "
            f"{process.returncode}; its lines are above. Nothing was written."
        )
    result = json.loads(process.stdout.splitlines()[-1])
    if "error" in result:
        raise UserError(result["error"])
    return result


def _compare(files, images, labels):
    """Returns accuracy, size and time of each file."""
    compared = {}
    for name, path in files.items():
        with quiet():  # LiteRT prints the name of its delegate.
            interpreter = Interpreter(path)
        right = [
            interpreter(image=image)["logits"].argmax() == label
            for image, label in zip(images, labels, strict=True)
        ]
        content = path.read_bytes()
        compared[name] = {
            "accuracy": float(np.mean(right)),
            "bytes": len(content),
            "gzip_bytes": len(gzip.compress(content)),
        }
    with Host().session(files, {}) as measure:
        times = rounds.alternate(measure, files, ROUNDS)
    for name, values in times.items():
        compared[name]["ms"] = statistics.median(values)
    return compared


def text(content: dict) -> str:
    """Returns the comparison as people read it.

    Args:
        content: What `compress` returned.
    """
    rows = [["", "accuracy", "KB", "gzip KB", "ms"]]
    titles = {"float32": "float32", "int8": f"{content['method']}, then int8"}
    for name, title in titles.items():
        each = content[name]
        sizes = [f"{each[size] / 1e3:.0f}" for size in ("bytes", "gzip_bytes")]
        rows.append([title, f"{each['accuracy']:.2%}", *sizes, f"{each['ms']:.3f}"])
    lines = [align(rows)]
    if "sparsity" in content["result"]:
        lines.append(f"{content['result']['sparsity']:.0%} of the large kernels are 0")
    return "\n".join([*lines, f"wrote {content['file']}"])
