"""Adb: times `.tflite` files on an Android device, by TFLite's stock benchmark."""

import contextlib
import pathlib
import platform
import posixpath
import re
import tempfile
import zlib

from absl import logging

from export.interpreter import check_num_threads
from export.latency.devices import adb_benchmark, benchmark_input, benchmark_output
from export.latency.devices.adb_connection import PUSH_SECONDS, Connection
from export.latency.devices.adb_process import DeviceError
from export.latency.devices.checks import check_run
from export.latency.devices.session_lock import only_session
from tfdyn.errors import UserError

# Shortest warm-up, in seconds: the clock rate of a phone rises under load.
WARM_UP_SECONDS = 0.2
PROPERTIES = {
    "manufacturer": "ro.product.manufacturer",
    "model": "ro.product.model",
    "soc": "ro.soc.model",
    "android": "ro.build.version.release",
    "abi": "ro.product.cpu.abi",
}


class Adb:
    """Times files on an Android device, by the stock `benchmark_model` or its app.

    ```python
    with Adb().session({"model": "model.tflite"}, {}) as measure:
        milliseconds = measure("model")
    ```

    Args:
        serial: Serial number of the device, as `adb devices` lists it. May be left out
            if there is only one device.
        benchmark_model: Path of the program `benchmark_model`. If this machine has the
            file, it is pushed. Otherwise it is a path on the device, relative to
            /data/local/tmp. Default: "benchmark_model".
        app: Whether to run the benchmark app, which must be installed, instead.
        timeout_s: Longest time that one call of `measure` may take, in seconds.

    Attributes:
        name: "adb-" and the serial number.

    Raises:
        DeviceError: If adb is missing, or no such device is ready.
    """

    def __init__(
        self,
        serial: str | None = None,
        benchmark_model: str | None = None,
        app: bool = False,
        timeout_s: float = 120,
    ):
        self._connection, self._app = Connection(serial), app
        self._program = benchmark_model or "benchmark_model"
        self._timeout_s = timeout_s
        self.name = f"adb-{self._connection.serial}"

    def describe(self) -> dict:
        """Returns the device and the benchmark that runs, a dict ready for JSON.

        Raises:
            DeviceError: If the device is lost.
            TimeoutError: If it does not answer.
        """
        output = self._connection.checked("shell", "getprop")
        values = dict(re.findall(r"^\[(.*?)\]: \[(.*?)\]\s*$", output, re.MULTILINE))
        return {
            "device": self.name,
            "serial": self._connection.serial,
            **{name: values.get(key) for name, key in PROPERTIES.items()},
            "benchmark": adb_benchmark.PACKAGE if self._app else str(self._program),
        }

    def close(self) -> None:
        """Does nothing: sessions end by themselves."""

    def check_threads(self, num_threads: int) -> None:
        """Checks a number of threads.

        Raises:
            UserError: If it is not from 1 to 256.
        """
        check_num_threads(num_threads)

    @contextlib.contextmanager
    def session(self, files: dict, inputs: dict[str, dict], num_threads: int = 1):
        """Pushes files to the device, and yields a function that times them there.

        The files are pushed to one folder for each computer, so a computer may have one
        session at a time (`only_session`). The folder is removed at the end. If the
        device was lost, the next session removes it.

        Args:
            files: Mapping from names to paths of `.tflite` files.
            inputs: Mapping from the same names to mappings from names of inputs to
                arrays of the inputs' shapes. Axes of size 1 may be left out. The
                benchmark fills inputs that are left out with random numbers.
            num_threads: Number of CPU threads.

        Yields:
            A function `measure(name, runs=50)`. It runs the file of a name `runs`
            times, and returns the median time of a run in ms. It returns the average
            if the benchmark is of a build that prints no median.

        Raises:
            UserError: If a file is missing or broken, if a name of a file or input is
                unknown, if `num_threads` is not from 1 to 256 or `runs` is below 1, if
                the benchmark prints no timings, or if another process has a session.
            DeviceError: If the device is lost or full, or if the benchmark is missing,
                fails or prints too much.
            TimeoutError: If a run takes longer than `timeout_s`.
        """
        self.check_threads(num_threads)
        device = self._connection
        if self._app:
            benchmark = adb_benchmark.App(device, self._timeout_s)
        else:
            benchmark = adb_benchmark.Program(device, self._program, self._timeout_s)
        computer = zlib.crc32(platform.node().encode())
        folder = f"{adb_benchmark.FOLDER}/tfdyn-{computer:08x}"

        def measure(name, runs=50):
            check_run(name, flags, runs)
            counts = [f"--num_runs={runs}", "--min_secs=0", "--warmup_runs=3"]
            text = benchmark.run(name, [*flags[name], *common, *counts])
            try:
                return benchmark_output.parse(text).milliseconds
            except ValueError as error:
                raise UserError(
                    f"The probe {name!r} on {device.serial}: {error}"
                ) from error

        with only_session(self.name):
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
                    # The limit holds for each of two phases, warm-up and runs.
                    f"--max_secs={self._timeout_s / 2:g}",
                ]
                yield measure
            finally:
                try:
                    _remove(device, benchmark, folder)
                except OSError as error:  # It must not hide an earlier error.
                    logging.warning(
                        "warning: the pushed files may still be in %s of %s; the next "
                        "session there removes them.",
                        *(folder, device.serial),
                    )
                    logging.debug("They were not removed because: %s", error)


def _push(device, copy, folder):
    """Pushes the folder `copy` of this machine to `folder` on the device."""
    status, output = device.call(
        "push", str(copy), f"{posixpath.dirname(folder)}/", seconds=PUSH_SECONDS
    )
    if status and "No space left" in output:
        megabytes = sum(path.stat().st_size for path in copy.iterdir()) / 1e6
        raise DeviceError(
            f"{device.serial} has no space for {megabytes:.1f} MB in {folder}: free "
            f"some space there. `adb -s {device.serial} shell df` lists what is used."
        )
    if status:
        raise device.error(f"adb push to {folder}", status, output)
    # The app runs as another user, and files pushed from Windows are not executable.
    program = f"{folder}/benchmark_model" if (copy / "benchmark_model").exists() else ""
    device.checked("shell", f"chmod 755 {folder} {program}".rstrip())


def _remove(device, benchmark, folder):
    """Stops a benchmark that still uses a folder of the device; removes the folder."""
    benchmark.stop(folder)
    device.checked("shell", f"rm -rf {folder}")
