"""A phone for tests: the stand-in of adb on the PATH, and what it was asked."""

import contextlib
import json
import os
import pathlib
import shlex
import sys

import tensorflow as tf

from export.graph.convert import convert
from export.latency.devices import adb_benchmark
from export.latency.devices.adb import Adb

STAND_IN = pathlib.Path(__file__).with_name("adb_stand_in.py")
SERIAL = "emulator-5554"
# What it says of every file, in ms.
MEDIAN, AVERAGE = 0.405, 0.4125


class Phone:
    """What the stand-in plays."""

    def __init__(self, folder):
        self.folder = folder
        self.files = folder / "device" / "data" / "local" / "tmp"
        self.files.mkdir(parents=True)
        (self.files / "benchmark_model").touch(0o755)
        self.play()

    def play(self, **scenario):
        (self.folder / "scenario.json").write_text(json.dumps(scenario))

    @property
    def calls(self):
        rows = (self.folder / "calls").read_text().splitlines()
        return [json.loads(row) for row in rows]

    @property
    def lines(self):
        """What its shell was given."""
        return [call[3] for call in self.calls if call[2:3] == ["shell"]]

    @property
    def left(self):
        return sorted(path.name for path in self.files.iterdir())


@contextlib.contextmanager
def connected(folder, monkeypatch):
    """Gives a `Phone` that is on the PATH; at the end nothing may be left on it."""
    program = folder / "bin" / "adb"
    program.parent.mkdir()
    command = shlex.join([sys.executable, "-ISE", str(STAND_IN), str(folder)])
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(adb_benchmark, "POLL_SECONDS", 0)
    monkeypatch.setattr(adb_benchmark, "PATIENCE_SECONDS", 0.05)
    phone = Phone(folder)
    yield phone
    assert phone.left == ["benchmark_model"]
    assert not (folder / "alive").exists()


def network(path):
    """Writes a file of three inputs, whose order in it is threshold, image, alpha."""

    @tf.function
    def serve(image, threshold, alpha):
        return {"sum": tf.cast(image, tf.float32) + threshold * alpha}

    image = tf.TensorSpec((1, 2, 2, 1), tf.uint8, "image")
    threshold = tf.TensorSpec((), tf.float32, "threshold")
    alpha = tf.TensorSpec((3, 1, 1, 1), tf.float32, "alpha")
    path.write_bytes(convert(serve.get_concrete_function(image, threshold, alpha)))
    return path


def measured(path, device=None, **arguments):
    device = device or Adb(**arguments)
    with device.session({"sum": path}, {}) as measure:
        return measure("sum")
