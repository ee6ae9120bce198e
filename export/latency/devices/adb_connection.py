"""Connection: `adb` to one Android device, what it answers and how it is lost."""

import subprocess

from export.latency.devices import benchmark_output

# What an answer of the device may take, if not said otherwise.
ANSWER_SECONDS = 300


class DeviceError(OSError):
    """The device, the way to it or the benchmark there has failed."""


class Connection:
    """`adb` to one device.

    Args:
        serial: Which, as `adb devices` lists them; may be left out where there is one.

    Attributes:
        serial: That of the device.

    Raises:
        DeviceError: If there is no adb, or no such device that is ready.
    """

    def __init__(self, serial=None):
        states = _states()
        if not states:
            raise DeviceError(
                "There is no Android device: connect one with USB debugging switched "
                "on, or start an emulator; `adb devices` is to list it."
            )
        ways = ", ".join(f"--device=adb:{name}" for name in states)
        if serial is None and len(states) > 1:
            raise DeviceError(f"There are {len(states)} devices: choose one by {ways}.")
        self.serial = serial or next(iter(states))
        if self.serial not in states:
            raise DeviceError(f"There is no device {self.serial}: choose by {ways}.")
        state = states[self.serial]
        if state == "unauthorized":
            raise DeviceError(
                f"{self.serial} does not trust this computer (unauthorized): unlock it "
                f"and confirm that USB debugging is allowed."
            )
        if state != "device":
            raise DeviceError(
                f"{self.serial} is not ready ({state}): see that it has started, and "
                f"connect it anew."
            )

    def call(self, *arguments, seconds=ANSWER_SECONDS, what=None):
        """Runs adb.

        Args:
            *arguments: Of adb.
            seconds: What it may take.
            what: What an error calls it (default: its first argument).

        Returns:
            Its exit status, and all that it says.

        Raises:
            DeviceError: If there is no adb.
            TimeoutError: If it takes longer.
        """
        try:
            return _adb("-s", self.serial, *arguments, seconds=seconds)
        except subprocess.TimeoutExpired as error:
            said = (error.output or b"").decode(errors="replace")
            raise self.late(what or f"adb {arguments[0]}", seconds, said) from None

    def checked(self, *arguments):
        """Runs adb; returns what it says, or raises `error` if it fails."""
        status, output = self.call(*arguments)
        if status:
            raise self.error(" ".join(["adb", *arguments[:2]]), status, output)
        return output

    def error(self, what, status, output, advice=""):
        """Returns the exception for an exit status that is not zero."""
        try:
            state = _states().get(self.serial, "disconnected")
        except subprocess.TimeoutExpired:
            state = "silent"
        if state != "device":
            return DeviceError(
                f"{self.serial} was lost at {what}: it is {state}. See that its cable "
                f"is in and that it stays awake, then start again."
            )
        return DeviceError(
            f"{what} failed on {self.serial} with exit status {status}; it said last:\n"
            f"{benchmark_output.tail(output)}{advice}"
        )

    def late(self, what, seconds, output):
        """Returns the exception for what did not end in time."""
        return TimeoutError(
            f"{what} did not end on {self.serial} in {seconds:g} s: connect it anew, "
            f"or allow a slow network more by --timeout. It said last:\n"
            f"{benchmark_output.tail(output)}"
        )


def _states():
    """Returns the devices that adb lists, a mapping from serials to states."""
    status, output = _adb("devices", seconds=ANSWER_SECONDS)
    if status:
        raise DeviceError(f"`adb devices` failed:\n{benchmark_output.tail(output)}")
    # What else it says, as that its server starts, has no tab.
    rows = [line.partition("\t") for line in output.splitlines() if "\t" in line]
    return {serial: state.strip() for serial, _, state in rows}


def _adb(*arguments, seconds):
    try:
        done = subprocess.run(
            ["adb", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
        )
    except FileNotFoundError as error:
        raise DeviceError(
            "There is no adb on the PATH: install Android's platform tools, "
            "https://developer.android.com/tools/releases/platform-tools."
        ) from error
    # Bytes, since a last line without its end is not to be trusted; \r\r\n is of old.
    return done.returncode, done.stdout.decode(errors="replace")
