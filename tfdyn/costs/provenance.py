"""Provenance: where a cost table was measured, and whether that is this machine."""

import contextlib
import datetime
import functools
import importlib.metadata
import os
import pathlib
import platform

from absl import logging

from tfdyn.costs.table_precision import DEFAULT, precision_of

# What a device says about itself that decides how fast it is.
HARDWARE = ("processor", "cores", "system", "manufacturer", "model", "soc", "abi")
SOFTWARE = (
    *("android", "benchmark", "browser", "litert_js", "build"),
    *("ai-edge-litert", "tensorflow"),
)
# Packages that make the files and run them.
PACKAGES = ("ai-edge-litert", "tensorflow")
# Days after which a table is called old.
OLD = 365


def this_machine() -> dict:
    """Returns processor, cores, system and versions of this machine, for JSON."""
    versions = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "device": "host",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        **versions,
    }


def origin(table) -> str:
    """Returns where and when a table was measured, for people.

    Such as "measured on AMD EPYC (Linux-6.18, 2 cores, 1 thread), 2026-11-21".

    Args:
        table: `CostTable`.
    """
    if table.unit != "ms":
        return f"counted in {table.unit}"
    there = _device(table)
    if not there:
        return "measured on an unknown device"
    date = _word(table.provenance.get("date", "at an unknown date"))
    precision = precision_of(table)
    precision = None if precision == DEFAULT else precision
    device = _describe(there, table.provenance.get("num_threads"), precision)
    return f"measured on {device}, {date}"


def differences(table, here: dict | None = None) -> list[str]:
    """Returns what was not the same when a table was measured, for people.

    Args:
        table: `CostTable` in ms.
        here: The device to compare with, as `Host.describe` or `Adb.describe` return
            it. Default: this machine, for a table that was measured on a host.

    Returns:
        A list of texts, such as "processor: Cortex-A53 there, AMD EPYC here". Empty if
        nothing differs, or the table is of another kind of device.
    """
    there = _device(table)
    if not there:
        return ["the table does not say where it was measured"]
    if here is None:
        if there.get("device", "host") != "host":
            return []  # A table of a phone, made to predict for that phone.
        here = this_machine()
        if "processor" not in there:
            return ["the table does not say on which processor"]
    versions = table.provenance.get("versions")
    parts = [there, versions] if isinstance(versions, dict) else [there]
    texts = [
        f"{name}: {_word(part[name])} there, {_word(here[name])} here"
        for part in parts
        for name in (*HARDWARE, *SOFTWARE)
        if name in part and name in here and not _same(name, part[name], here[name])
    ]
    texts = list(dict.fromkeys(texts))
    threads, cores = table.provenance.get("num_threads"), here.get("cores")
    if isinstance(threads, int) and isinstance(cores, int) and threads > cores:
        texts.append(f"{threads} threads there, only {cores} cores here")
    return texts + _age(table.provenance.get("date"))


def _same(name, there, here):
    if name == "system":  # "Linux-6.18-x86_64": a new kernel is no other machine.
        return str(there).split("-")[0] == str(here).split("-")[0]
    return there == here


def warn(table, here: dict | None = None) -> None:
    """Warns, once, if a table in ms was measured elsewhere, or long ago.

    Args:
        table: `CostTable`.
        here: The device to compare with, as for `differences`.
    """
    if table.unit == "ms" and (texts := differences(table, here)):
        device = _describe(here or this_machine())
        shown = ("processor:", "cores:", "system:")  # In both descriptions.
        more = "; ".join(text for text in texts if not text.startswith(shown))
        warn_once(
            f"warning: {table.name} was {origin(table)}; this machine is {device}"
            f"{f' ({more})' * bool(more)}. Its milliseconds may be far off here: "
            f"measure again with `python -m export.latency`."
        )


@functools.cache  # A command may read a table several times.
def warn_once(text: str) -> None:
    """Logs a warning, the same one only once in a process."""
    logging.warning("%s", text)


def _device(table):
    """Returns what a table says about its device, an empty dict if it says nothing."""
    device = table.provenance.get("device")
    if isinstance(device, str) and device:
        return {"device": device}
    return device if isinstance(device, dict) else {}


def _describe(device, num_threads=None, precision=None):
    names = [device[name] for name in ("manufacturer", "model") if device.get(name)]
    title = (
        device.get("processor") or " ".join(map(_word, names)) or device.get("device")
    )
    details = [device["system"]] if device.get("system") else []
    details += [device["device"]] if names and device.get("device") else []
    details += [f"Android {device['android']}"] if device.get("android") else []
    details += [f"{device['cores']} cores"] if device.get("cores") else []
    if num_threads:
        details.append(f"{num_threads} thread{'s' * (num_threads != 1)}")
    details += [precision] if precision else []
    details = f" ({', '.join(map(_word, details))})" if details else ""
    return f"{_word(title or 'an unknown device')}{details}"


def _age(date):
    try:
        days = (datetime.date.today() - datetime.date.fromisoformat(date)).days
    except (TypeError, ValueError):
        return ["no date"]
    if days < -1:  # Not yesterday's date of another time zone.
        return ["a date in the future"]
    return [f"{days:,} days ago"] if days > OLD else []


def _word(value):
    """Returns a value from a file as a short text without line ends."""
    text = " ".join(str(value).split())
    return "".join(letter for letter in text if letter.isprintable())[:100]


def _processor():
    """Returns the name of the CPU or, if it is unknown, its architecture."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
