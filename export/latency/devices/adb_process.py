"""Process of adb: runs it for a limited time, and reads a limited output."""

import contextlib
import subprocess
import threading

# Bytes that adb may print. The benchmark prints a few thousand.
LARGEST_OUTPUT = 4 * 2**20


class DeviceError(OSError):
    """Reports that adb, the device or the benchmark on it has failed."""


def run_adb(*arguments: str, seconds: float) -> tuple[int, str]:
    """Runs adb, and returns its exit status and all that it prints.

    Args:
        *arguments: Words of the command.
        seconds: Longest time that it may take.

    Raises:
        DeviceError: If adb cannot be started, or prints more than `LARGEST_OUTPUT`.
        TimeoutExpired: If it takes too long. Its `output` is what it has printed.
    """
    output = bytearray()
    try:
        process = subprocess.Popen(
            ["adb", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
    except FileNotFoundError as error:
        raise DeviceError(
            "There is no adb on the PATH: install Android's platform tools, "
            "https://developer.android.com/tools/releases/platform-tools."
        ) from error
    except OSError as error:
        raise DeviceError(
            f"The adb on the PATH cannot be started ({error.strerror}): install "
            f"Android's platform tools, "
            f"https://developer.android.com/tools/releases/platform-tools."
        ) from error

    def read():
        with process.stdout:
            while part := process.stdout.read(65536):
                output.extend(part)
                if len(output) > LARGEST_OUTPUT:
                    process.kill()
                    break

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        status = process.wait(seconds)
        # Not for ever: a server that adb has started may keep the pipe open.
        reader.join(1)
    except subprocess.TimeoutExpired as error:
        error.output = bytes(output)
        raise
    finally:
        process.kill()  # Does nothing if it has ended.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
    if len(output) > LARGEST_OUTPUT:
        raise DeviceError(
            f"`adb {' '.join(arguments)[:100]}` printed more than "
            f"{LARGEST_OUTPUT // 2**20} MiB, and was stopped: check that adb and the "
            f"benchmark are the stock ones."
        )
    # Text mode would make a lone \r of a cut line a line end; old devices send \r\r\n.
    return status, output.decode(errors="replace")
