"""Devices by name: this machine, an Android device, or a browser."""

from collections.abc import Callable

from export.browser import chromium
from export.latency.devices.adb import Adb
from export.latency.devices.browser import Browser
from export.latency.devices.host import Host
from tfdyn.errors import UserError


def make_device(
    name: str,
    benchmark_model: str | None = None,
    app: bool = False,
    timeout_s: float = 120,
    browser: dict | None = None,
    num_threads: int = 1,
    say: Callable[[str], None] = print,
) -> Host | Adb | Browser:
    """Returns the device of a name.

    Args:
        name: "host", "adb", "adb:SERIAL", "browser" or "browser:NAME".
        benchmark_model: As for `Adb`.
        app: As for `Adb`.
        timeout_s: As for `Adb` and `Browser`, in seconds.
        browser: Arguments for `Browser` that are not the defaults, by their names. A
            program "auto" is a Chromium on the PATH.
        num_threads: As for `Browser`. The others are told in each session.
        say: As for `Browser`.

    Raises:
        UserError: If there is no such kind of device, or an argument does not fit it.
        OSError: If adb is missing, or the Android device or browser is not ready.
    """
    kind, _, detail = name.partition(":")
    browser = browser or {}
    if kind != "adb" and (benchmark_model or app):
        raise UserError(
            "--benchmark_model and --benchmark_app are for --device=adb: the host and "
            "browsers run LiteRT themselves."
        )
    if kind != "browser" and browser:
        flags = {"program": "browser", "packages": "litert_js"}
        raise UserError(
            f"--{flags.get(next(iter(browser)), next(iter(browser)))} is for "
            f"--device=browser: leave it out, or name that device."
        )
    if name == "host":
        return Host()
    if kind not in ("adb", "browser") or name.endswith(":"):
        raise UserError(
            f"--device is host, adb, adb:SERIAL, browser or browser:NAME; got {name!r}."
        )
    if kind == "adb":
        return Adb(detail or None, benchmark_model, app, timeout_s)
    if program := browser.get("program"):
        program = chromium.find(None if program == "auto" else program)
        browser = {**browser, "program": program}
    return Browser(
        detail or None, timeout_s=timeout_s, num_threads=num_threads, say=say, **browser
    )
