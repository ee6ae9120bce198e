"""Devices by name: this machine, or an Android device."""

from export.latency.devices.adb import Adb
from export.latency.devices.host import Host
from tfdyn.errors import UserError


def make_device(
    name: str,
    benchmark_model: str | None = None,
    app: bool = False,
    timeout_s: float = 120,
) -> Host | Adb:
    """Returns the device of a name.

    Args:
        name: "host", "adb" or "adb:SERIAL".
        benchmark_model: As for `Adb`.
        app: As for `Adb`.
        timeout_s: As for `Adb`, in seconds.

    Raises:
        UserError: If there is no such kind of device, or an argument does not fit it.
        OSError: If adb is missing, or the Android device is not ready.
    """
    kind, _, serial = name.partition(":")
    if name == "host":
        if benchmark_model or app:
            raise UserError(
                "--benchmark_model and --benchmark_app are for --device=adb: the host "
                "runs LiteRT in this process."
            )
        return Host()
    if kind != "adb" or name.endswith(":"):
        raise UserError(f"--device is host, adb or adb:SERIAL; got {name!r}.")
    return Adb(serial or None, benchmark_model, app, timeout_s)
