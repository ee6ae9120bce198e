"""Connection: runs `adb` for one Android device, and explains its failures."""

import re
import subprocess

from export.latency.devices import benchmark_output
from export.latency.devices.adb_process import DeviceError, run_adb

# Longest time, in seconds, that `adb devices`, another answer of the device, and the
# transfer of files may take.
LIST_SECONDS, ANSWER_SECONDS, PUSH_SECONDS = 20, 60, 300
# Serial numbers become names of files and arguments of adb.
SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


class Connection:
    """Runs `adb` for one device.

    Args:
        serial: Serial number of the device, as `adb devices` lists it. May be left out
            if there is only one device.

    Attributes:
        serial: Serial number of the device.

    Raises:
        DeviceError: If adb is missing or does not answer, or no such device is ready.
    """

    def __init__(self, serial: str | None = None):
        states = _states()
        if not states:
            raise DeviceError(
                "There is no Android device: connect one with USB debugging switched "
                "on, or start an emulator. `adb devices` must list it."
            )
        names = [name for name in states if SERIAL.fullmatch(name)]
        if not names:
            raise DeviceError(
                f"adb lists a device with the serial number {min(states)[:100]!r}; "
                f"letters, digits and . _ : - are expected. Connect another device."
            )
        ways = ", ".join(f"--device=adb:{name}" for name in names[:20])
        if serial is None and len(names) > 1:
            raise DeviceError(
                f"There are {len(names)} devices: choose one with {ways}."
            )
        self.serial = serial or names[0]
        if self.serial not in names:
            raise DeviceError(
                f"There is no device {self.serial[:100]}: choose one with {ways}."
            )
        state = states[self.serial]
        if state == "unauthorized":
            raise DeviceError(
                f"{self.serial} does not trust this computer (unauthorized): unlock it "
                f"and confirm that USB debugging is allowed."
            )
        if state != "device":
            raise DeviceError(
                f"{self.serial} is not ready ({state}): wait until it has started, and "
                f"connect it again."
            )

    def call(
        self, *arguments: str, seconds: float = ANSWER_SECONDS, label: str | None = None
    ) -> tuple[int, str]:
        """Runs adb.

        Args:
            *arguments: Arguments of adb.
            seconds: Longest time that it may take.
            label: Name of the call in error messages. Default: its first argument.

        Returns:
            The exit status, and all that adb prints.

        Raises:
            DeviceError: If adb is missing.
            TimeoutError: If it takes longer than `seconds`.
        """
        try:
            return run_adb("-s", self.serial, *arguments, seconds=seconds)
        except subprocess.TimeoutExpired as error:
            output = (error.output or b"").decode(errors="replace")
            raise self.late(label or f"adb {arguments[0]}", seconds, output) from None

    def checked(self, *arguments: str) -> str:
        """Runs adb, and returns what it prints.

        Args:
            *arguments: Arguments of adb.

        Raises:
            DeviceError: If adb is missing or fails.
            TimeoutError: If it takes longer than `ANSWER_SECONDS`.
        """
        status, output = self.call(*arguments)
        if status:
            raise self.error(" ".join(["adb", *arguments[:2]]), status, output)
        return output

    def error(
        self, label: str, status: int, output: str, advice: str = ""
    ) -> DeviceError:
        """Makes the exception for a call that has failed.

        Args:
            label: Name of the call.
            status: Its exit status.
            output: What it printed.
            advice: Text for the end of the message.
        """
        try:
            state = _states().get(self.serial, "disconnected")
        except DeviceError:
            state = "silent"
        if state != "device":
            return DeviceError(
                f"{self.serial} was lost at {label}: it is {state}. Check that its "
                f"cable is in and that it stays awake, then start again."
            )
        return DeviceError(
            f"{label} failed on {self.serial} with exit status {status}; it printed "
            f"last:\n{benchmark_output.tail(output)}{advice}"
        )

    def late(self, label: str, seconds: float, output: str) -> TimeoutError:
        """Makes the exception for a call that did not end in time.

        Args:
            label: Name of the call.
            seconds: Time after which it was stopped.
            output: What it had printed.
        """
        return TimeoutError(
            f"{label} did not end on {self.serial} in {seconds:g} s: connect the "
            f"device again, or allow a slow network more time with --timeout. It "
            f"printed last:\n{benchmark_output.tail(output)}"
        )


def _states():
    """Returns the devices that adb lists, a mapping from serials to states."""
    try:
        status, output = run_adb("devices", seconds=LIST_SECONDS)
    except subprocess.TimeoutExpired:
        raise DeviceError(
            f"`adb devices` did not answer in {LIST_SECONDS} s. Start its server anew "
            f"with `adb kill-server`, and connect the device again."
        ) from None
    if status:
        raise DeviceError(f"`adb devices` failed:\n{benchmark_output.tail(output)}")
    # Other lines, such as the one that adb's server starts, have no tab.
    rows = [line.partition("\t") for line in output.splitlines() if "\t" in line]
    return {serial: state.strip()[:100] for serial, _, state in rows}
