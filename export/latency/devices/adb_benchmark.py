"""Benchmarks of Android: TFLite's stock `benchmark_model` and its app, by adb.

Both take the same flags and say the same lines. Each has `prepare`, before the files
are pushed, `run`, which returns the lines, and `stop`.
"""

import pathlib
import posixpath
import re
import shlex
import shutil
import time

from export.latency.devices import benchmark_output
from export.latency.devices.adb_connection import DeviceError

FOLDER = "/data/local/tmp"
PACKAGE = "org.tensorflow.lite.benchmark"
PAGE = "https://ai.google.dev/edge/litert/models/measurement"
ADVICE = f"\nIf this is of an operation or a version, a newer build may know it: {PAGE}"
# How often the app's log is read; how long it may rest after an error or a crash.
POLL_SECONDS = 0.2
PATIENCE_SECONDS = 5


class Program:
    """The command-line program.

    Args:
        device: `Connection`.
        path: A file of this machine, which is pushed, or else one of the device, in
            /data/local/tmp if without a folder.
        seconds: What one run may take.
    """

    def __init__(self, device, path, seconds):
        self._device, self._seconds = device, seconds
        self._local = pathlib.Path(path)
        self._remote = posixpath.join(FOLDER, path)

    def prepare(self, copy, folder):
        """Copies it to `copy`, to be pushed as `folder`; or looks for it there."""
        if self._local.is_file():
            shutil.copyfile(self._local, copy / "benchmark_model")
            self._remote = f"{folder}/benchmark_model"
            return
        look = f"[ -x {shlex.quote(self._remote)} ] && echo found || true"
        if "found" not in self._device.checked("shell", look):
            raise DeviceError(
                f"There is no benchmark_model: neither {self._local} on this machine "
                f"nor an executable {self._remote} on {self._device.serial}. Get "
                f"Android's binary (prebuilt, nightly) from {PAGE} and give its path."
            )

    def run(self, name, flags):
        """Runs it on what is called `name`; returns all that it says."""
        command = shlex.join([self._remote, *flags])
        what = f"benchmark_model on {name}"
        status, output = self._device.call(
            "shell", command, seconds=self._seconds, what=what
        )
        if status:
            raise self._device.error(what, status, output, ADVICE)
        return output

    def stop(self, folder):
        """Ends what a timeout or an interrupt has left running on files of a folder."""
        # With the brackets it does not find the shell that it runs in.
        self._device.call("shell", f"pkill -f '{folder[:-1]}[{folder[-1]}]'")


class App:
    """The app, which is installed already.

    Args:
        device: `Connection`.
        seconds: What one run may take.
    """

    def __init__(self, device, seconds):
        self._device, self._seconds = device, seconds

    def prepare(self, copy, folder):
        """Looks for it on the device."""
        look = f"pm path {PACKAGE} || true"
        if "package:" not in self._device.checked("shell", look):
            raise DeviceError(
                f"The benchmark app is not installed on {self._device.serial}: get "
                f"android_aarch64_benchmark_model.apk from {PAGE} and `adb install -r "
                f"-d -g` it."
            )

    def run(self, name, flags):
        """Runs it on what is called `name`; returns its lines in the log."""
        # The log may be busy: the second time it is not.
        if self._device.call("logcat", "-c")[0]:
            self._device.checked("logcat", "-c")
        # Quoted once for the shell there; the app splits it by itself.
        arguments = shlex.quote(" ".join(flags))
        start = f"am start -S -n {PACKAGE}/.BenchmarkModelActivity --es args "
        self._device.checked("shell", start + arguments)
        end, log, rested = time.monotonic() + self._seconds, "", None
        while True:
            # In this order: what a process that has ended said is then in the log.
            alive = self._device.call("shell", f"pidof {PACKAGE}")[1].strip()
            last, log = log, self._device.checked("logcat", "-d", "-s", "tflite")
            if benchmark_output.finished(log):
                return log
            # The app does not end when it has failed; nor is every error a failure.
            now = time.monotonic()
            doubtful = not alive or re.search(r" [EF] tflite\b", log)
            rested = (rested or now) if doubtful and log == last else None
            if rested and now - rested >= PATIENCE_SECONDS:
                how = "refused" if alive else "crashed on"
                raise DeviceError(
                    f"The benchmark app {how} {name} on {self._device.serial}; its log "
                    f"ends:\n{benchmark_output.tail(log)}{ADVICE}"
                )
            if now > end:
                raise self._device.late(f"The app on {name}", self._seconds, log)
            time.sleep(POLL_SECONDS)

    def stop(self, folder):
        """Ends it, whatever it runs."""
        self._device.call("shell", f"am force-stop {PACKAGE}")
