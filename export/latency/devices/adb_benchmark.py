"""Benchmarks of Android: runs TFLite's stock `benchmark_model`, or its app, over adb.

Both take the same flags and print the same lines. Both classes have the same methods:
`prepare` before the files are pushed, `run` for each run, and `stop`.
"""

import pathlib
import posixpath
import re
import shlex
import shutil
import time

from export.latency.devices import benchmark_output
from export.latency.devices.adb_connection import Connection
from export.latency.devices.adb_process import DeviceError

FOLDER = "/data/local/tmp"
PACKAGE = "org.tensorflow.lite.benchmark"
PAGE = "https://ai.google.dev/edge/litert/models/measurement"
ADVICE = (
    f"\nIf this names an operation or a version, a newer build may support it: {PAGE}"
)
# Time between two reads of the app's log.
POLL_SECONDS = 0.2
# Time without new lines in the log after which an error or a crash is final.
PATIENCE_SECONDS = 5


class Program:
    """Runs the command-line program.

    Args:
        device: `Connection`.
        path: Path of the program, as for `Adb`.
        seconds: Longest time that one run may take.
    """

    def __init__(self, device: Connection, path: str, seconds: float):
        self._device, self._seconds = device, seconds
        self._local = pathlib.Path(path)
        self._remote = posixpath.join(FOLDER, path)

    def prepare(self, copy: pathlib.Path, folder: str) -> None:
        """Copies the program among the files to push, or finds it on the device.

        Args:
            copy: Folder on this machine that will be pushed.
            folder: Folder on the device to which it will be pushed.

        Raises:
            DeviceError: If neither machine has the program, or the device is lost.
        """
        if self._local.is_file():
            shutil.copyfile(self._local, copy / "benchmark_model")
            self._remote = f"{folder}/benchmark_model"
            return
        look = f"[ -x {shlex.quote(self._remote)} ] && echo found || true"
        if "found" not in self._device.checked("shell", look):
            raise DeviceError(
                f"There is no benchmark_model: neither {self._local} on this machine "
                f"nor an executable {self._remote} on {self._device.serial}. Get "
                f"Android's binary (prebuilt, nightly) from {PAGE} and name its path "
                f"with --benchmark_model."
            )

    def run(self, name: str, flags: list[str]) -> str:
        """Runs the program, and returns all that it prints.

        Args:
            name: Name of the probe, the file that is timed, for error messages.
            flags: Flags of the program.

        Raises:
            DeviceError: If the program fails, or the device is lost.
            TimeoutError: If it runs for too long.
        """
        command = shlex.join([self._remote, *flags])
        label = f"benchmark_model on the probe {name!r}"
        status, output = self._device.call(
            "shell", command, seconds=self._seconds, label=label
        )
        if status:
            raise self._device.error(label, status, output, ADVICE)
        return output

    def stop(self, folder: str) -> None:
        """Stops a program that a timeout or an interrupt has left running.

        Args:
            folder: Folder on the device whose files it times.

        Raises:
            OSError: If the device does not answer.
        """
        # Because of the brackets the pattern does not match pkill's own shell.
        self._device.call("shell", f"pkill -f '{folder[:-1]}[{folder[-1]}]'")


class App:
    """Runs the app, which must be installed.

    Args:
        device: `Connection`.
        seconds: Longest time that one run may take.
    """

    def __init__(self, device: Connection, seconds: float):
        self._device, self._seconds = device, seconds

    def prepare(self, copy: pathlib.Path, folder: str) -> None:
        """Checks that the app is installed. Arguments are those of `Program.prepare`.

        Raises:
            DeviceError: If the app is not installed, or the device is lost.
        """
        look = f"pm path {PACKAGE} || true"
        if "package:" not in self._device.checked("shell", look):
            raise DeviceError(
                f"The benchmark app is not installed on {self._device.serial}: get "
                f"android_aarch64_benchmark_model.apk from {PAGE} and `adb install -r "
                f"-d -g` it."
            )

    def run(self, name: str, flags: list[str]) -> str:
        """Runs the app, and returns its lines in the device's log.

        Arguments and errors are those of `Program.run`.
        """
        # Clearing the log fails if it is busy, so a second try is made.
        if self._device.call("logcat", "-c")[0]:
            self._device.checked("logcat", "-c")
        # The flags are one word for the device's shell; the app splits them.
        arguments = shlex.quote(" ".join(flags))
        start = f"am start -S -n {PACKAGE}/.BenchmarkModelActivity --es args "
        self._device.checked("shell", start + arguments)
        end, log, quiet_since = time.monotonic() + self._seconds, "", None
        while True:
            # In this order, the log is complete if the process has ended.
            alive = self._device.call("shell", f"pidof {PACKAGE}")[1].strip()
            last, log = log, self._device.checked("logcat", "-d", "-s", "tflite")
            if benchmark_output.finished(log):
                return log
            # The app does not end after a failure, and not every error is a failure.
            now = time.monotonic()
            doubtful = not alive or re.search(r" [EF] tflite\b", log)
            quiet_since = (quiet_since or now) if doubtful and log == last else None
            if quiet_since and now - quiet_since >= PATIENCE_SECONDS:
                how = "refused" if alive else "crashed on"
                raise DeviceError(
                    f"The benchmark app {how} the probe {name!r} on "
                    f"{self._device.serial}; its log ends:\n"
                    f"{benchmark_output.tail(log)}{ADVICE}"
                )
            if now > end:
                raise self._device.late(
                    f"The app on the probe {name!r}", self._seconds, log
                )
            time.sleep(POLL_SECONDS)

    def stop(self, folder: str) -> None:
        """Stops the app. Argument and error are those of `Program.stop`."""
        self._device.call("shell", f"am force-stop {PACKAGE}")
