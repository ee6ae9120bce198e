"""Adb: an Android device that times `.tflite` files, by TFLite's stock benchmark."""

import contextlib
import pathlib
import platform
import posixpath
import re
import tempfile
import zlib

from absl import logging

from export.latency.devices import (
    adb_benchmark,
    benchmark_input,
    benchmark_output,
)
from export.latency.devices.adb_connection import Connection, DeviceError
from tfdyn.errors import UserError

# Least time that the benchmark warms up: the clock of a phone rises under load.
WARM_UP_SECONDS = 0.2
PROPERTIES = {
    "manufacturer": "ro.product.manufacturer",
    "model": "ro.product.model",
    "soc": "ro.soc.model",
    "android": "ro.build.version.release",
    "abi": "ro.product.cpu.abi",
}


class Adb:
    """An Android device, by the stock `benchmark_model` or its app.

    ```python
    with Adb().session({"model": "model.tflite"}, {}) as measure:
        milliseconds = measure("model")
    ```

    Args:
        serial: Which device, as `adb devices` lists them; may be left out for one.
        benchmark_model: Its `benchmark_model`: a file of this machine, or else one of
            the device, in /data/local/tmp if without a folder (default:
            "benchmark_model").
        app: Whether the app, which is installed already, is to run instead.
        timeout_s: What one call of `measure` may take, in seconds.

    Attributes:
        name: "adb-" and the serial.

    Raises:
        DeviceError: If there is no adb, or no such device that is ready.
    """

    def __init__(self, serial=None, benchmark_model=None, app=False, timeout_s=120):
        self._connection, self._app = Connection(serial), app
        self._program = benchmark_model or "benchmark_model"
        self._timeout_s = timeout_s
        self.name = f"adb-{self._connection.serial}"

    def describe(self):
        """Returns what ran, a dict ready for JSON."""
        output = self._connection.checked("shell", "getprop")
        values = dict(re.findall(r"^\[(.*?)\]: \[(.*?)\]\s*$", output, re.MULTILINE))
        return {
            "device": self.name,
            "serial": self._connection.serial,
            **{name: values.get(key) for name, key in PROPERTIES.items()},
            "benchmark": adb_benchmark.PACKAGE if self._app else str(self._program),
        }

    @contextlib.contextmanager
    def session(self, files, inputs, num_threads=1):
        """Puts the files on the device; gives a function that times them there.

        They lie in a folder of this computer's own, which is removed at the end and,
        where the device was lost before it, at the start of the next session: there
        may be one at a time.

        Args:
            files: Mapping from names to paths of `.tflite` files.
            inputs: Mapping from the same names to mappings from the names of inputs to
                arrays of their shapes, whose axes of size 1 may be left out; what is
                left out the benchmark fills with random numbers.
            num_threads: Threads of the CPU.

        Yields:
            A function of a name and, by default 50, `runs`: the median time of one of
            that many runs, in ms (the average, of a build that tells no median).

        Raises:
            ValueError: If a file or an input is not as it is to be, a name is not
                there, or the benchmark says something else than timings.
            DeviceError: If the device is lost or full, or the benchmark is missing or
                fails.
            TimeoutError: If it takes longer than `timeout_s`.
        """
        if num_threads < 1:
            raise UserError(f"num_threads is 1 or more; got {num_threads}.")
        device = self._connection
        if self._app:
            benchmark = adb_benchmark.App(device, self._timeout_s)
        else:
            benchmark = adb_benchmark.Program(device, self._program, self._timeout_s)
        computer = zlib.crc32(platform.node().encode())
        folder = f"{adb_benchmark.FOLDER}/tfdyn-{computer:08x}"

        def measure(name, runs=50):
            if name not in flags:
                raise UserError(f"The files are {', '.join(flags)}; got {name}.")
            if runs < 1:
                raise UserError(f"runs is 1 or more; got {runs}.")
            counts = [f"--num_runs={runs}", "--min_secs=0", "--warmup_runs=3"]
            text = benchmark.run(name, [*flags[name], *common, *counts])
            try:
                return benchmark_output.parse(text).milliseconds
            except ValueError as error:
                raise UserError(f"{name} on {device.serial}: {error}") from error

        _remove(device, benchmark, folder)
        try:
            with tempfile.TemporaryDirectory() as parent:
                copy = pathlib.Path(parent, posixpath.basename(folder))
                copy.mkdir()
                flags = benchmark_input.stage(copy, folder, files, inputs)
                benchmark.prepare(copy, folder)
                _push(device, copy, folder)
            common = [
                f"--num_threads={num_threads}",
                f"--warmup_min_secs={WARM_UP_SECONDS}",
                # Of each of its two phases, warm-up and runs.
                f"--max_secs={self._timeout_s / 2:g}",
            ]
            yield measure
        finally:
            try:
                _remove(device, benchmark, folder)
            except OSError as error:  # It is to hide no other.
                logging.warning(
                    "warning: what was pushed may still be in %s of %s; the next "
                    "session there removes it.",
                    *(folder, device.serial),
                )
                logging.debug("It was left because: %s", error)


def _push(device, copy, folder):
    """Pushes the folder `copy` of this machine as `folder`."""
    status, output = device.call("push", str(copy), f"{posixpath.dirname(folder)}/")
    if status and "No space left" in output:
        megabytes = sum(path.stat().st_size for path in copy.iterdir()) / 1e6
        raise DeviceError(
            f"{device.serial} has no space for {megabytes:.1f} MB in {folder}: free "
            f"some there; `adb -s {device.serial} shell df` says how it is used."
        )
    if status:
        raise device.error(f"adb push to {folder}", status, output)
    # The app is another user; and what comes from Windows cannot be executed.
    program = f"{folder}/benchmark_model" if (copy / "benchmark_model").exists() else ""
    device.checked("shell", f"chmod 755 {folder} {program}".rstrip())


def _remove(device, benchmark, folder):
    """Stops what still runs on a folder of the device, and removes it."""
    benchmark.stop(folder)
    device.checked("shell", f"rm -rf {folder}")
