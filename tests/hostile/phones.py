"""Cases of devices: an adb that is not there, lies, or never answers."""

import contextlib
import json
import os
import pathlib
import shlex
import sys
from unittest import mock

from hostile.broken_files import LATENCY
from hostile.case import Case

STAND_IN = pathlib.Path(__file__).parents[1] / "adb_stand_in.py"
ADB = (*LATENCY, "--device=adb", "--timeout=5")
LATER = {"emulator-5554": "device"}
# What the stand-in plays, and the words of which the error names one.
SCENARIOS = [
    ({"devices": {}}, ("device",)),
    ({"devices": {"emulator-5554": "unauthorized"}}, ("unauthorized",)),
    ({"devices": {"emulator-5554": "offline"}}, ("offline",)),
    ({"devices": {"a": "device", "b": "device"}}, ("adb:a",)),
    ({"devices": {"/../../../x/EVIL": "device"}}, ("EVIL",)),
    ({"devices": {"..": "device"}}, ("..",)),
    ({"devices": {"a b;rm -rf ~": "device"}}, ("rm -rf",)),
    ({"devices": {"-s": "device"}}, ("-s",)),
    ({"devices": {"$(reboot)": "device"}}, ("reboot",)),
    ({"devices": {"x" * 3000: "device"}}, ("xxx",)),
    ({"devices": {"\u2028": "device"}}, ("adb",)),
    ({"lost_from": 1}, ("adb", "device")),
    ({"lost_from": 4}, ("emulator-5554",)),
    ({"full": True}, ("emulator-5554",)),
    ({"benchmark": "crash"}, ("emulator-5554",)),
    ({"benchmark": "refused"}, ("emulator-5554",)),
    ({"benchmark": "garbage"}, ("emulator-5554",)),
    ({"benchmark": "cut"}, ("emulator-5554",)),
    ({"benchmark": "hang"}, ("emulator-5554",)),
    ({"times": "count=50 median=-400\n"}, ("emulator-5554",)),
    ({"times": "count=50 median=0\n"}, ("emulator-5554", "device")),
    ({"times": "count=50 median=nan\n"}, ("emulator-5554", "device")),
    ({"times": "count=50 median=1e999\n"}, ("emulator-5554",)),
    ({"times": "count=0 median=5\n"}, ("emulator-5554", "device")),
    ({"times": "count=50\n"}, ("emulator-5554", "device")),
    ({"times": "median=abc\n"}, ("emulator-5554", "device")),
    ({"times": ""}, ("emulator-5554", "device")),
    ({"flood": 10**8}, ("adb", "emulator-5554")),
]
# Programs in the place of adb.
PROGRAMS = {
    "no program": "\x7fELF broken",
    "exits 3": "#!/bin/sh\nexit 3\n",
    "says nothing": "#!/bin/sh\nexit 0\n",
    "a stranger's words": "#!/bin/sh\necho hello\n",
    "binary output": "#!/bin/sh\nhead -c 5000 /dev/urandom\n",
    "ends by a signal": "#!/bin/sh\nkill -9 $$\n",
    "no interpreter": "#!/nowhere/sh\n",
}


def cases():
    """Yields the cases."""
    for scenario, names in SCENARIOS:
        text = f"{scenario}"[:60]
        yield Case("device", text, ADB, names, ("run",), _plays(scenario))
    for title, text in PROGRAMS.items():
        yield Case("device", title, ADB, ("adb",), ("run",), _program(text))
    yield Case("device", "no adb", ADB, ("adb",), ("run",), _without)
    yield Case(
        "device",
        "no benchmark_model",
        ADB,
        ("benchmark_model",),
        ("run",),
        _plays({}, installed=False),
    )
    for value in ("nowhere", "run", "image.png"):
        words = (*ADB, f"--benchmark_model={value}")
        uses = ("run", "image.png")
        yield Case(
            "device", words[-1], words, (value, "device"), uses, _plays({}, False)
        )


def _plays(scenario, installed=True):
    def prepare(folder):
        phone = folder.parent / f"{folder.name}.phone"
        files = phone / "device/data/local/tmp"
        files.mkdir(parents=True)
        if installed:
            (files / "benchmark_model").touch(0o755)
        (phone / "scenario.json").write_text(json.dumps(scenario))
        command = shlex.join([sys.executable, "-ISE", str(STAND_IN), str(phone)])
        return _on_path(phone, f'#!/bin/sh\nexec {command} "$@"\n')

    return prepare


def _program(text):
    return lambda folder: _on_path(folder.parent / f"{folder.name}.phone", text)


def _on_path(folder, text):
    program = folder / "bin/adb"
    program.parent.mkdir(parents=True)
    program.write_text(text)
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return mock.patch.dict(os.environ, PATH=path)


@contextlib.contextmanager
def _nothing_on_path():
    with mock.patch.dict(os.environ, PATH="/nowhere"):
        yield


def _without(folder):
    return _nothing_on_path()
