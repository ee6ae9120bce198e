"""The process of adb: what it may take and print."""

import pytest

from export.latency.devices import adb_connection, adb_process
from export.latency.devices.adb_connection import Connection
from export.latency.devices.adb_process import DeviceError, run_adb


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Makes a program `adb` of the lines of a shell script."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def play(script, mode=0o755):
        (tmp_path / "adb").write_text(script)
        (tmp_path / "adb").chmod(mode)

    return play


def test_what_it_prints_and_returns(play):
    play("#!/bin/sh\necho said $1\necho wrong >&2\nexit 3\n")
    assert run_adb("this", seconds=20) == (3, "said this\nwrong\n")


def test_a_flood_is_stopped(play, monkeypatch):
    monkeypatch.setattr(adb_process, "LARGEST_OUTPUT", 2**20)
    play("#!/bin/sh\nexec yes\n")
    with pytest.raises(DeviceError, match="`adb x` printed more than 1 MiB"):
        run_adb("x", seconds=60)


def test_it_hangs(play, monkeypatch):
    monkeypatch.setattr(adb_connection, "LIST_SECONDS", 0.2)
    play("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(DeviceError, match="did not answer in 0.2 s.*adb kill-server"):
        Connection()


def test_a_server_that_it_leaves_behind_does_not_hold_it_up(play):
    play("#!/bin/sh\nsleep 5 &\necho started\n")
    assert run_adb("x", seconds=60) == (0, "started\n")


@pytest.mark.parametrize(
    ("script", "mode"), [("#!/bin/sh\n", 0o644), ("#!/nowhere\n", 0o755), ("", 0o755)]
)
def test_it_is_no_program(play, script, mode):
    play(script, mode)
    with pytest.raises(DeviceError, match="adb on the PATH"):
        run_adb("x", seconds=20)


@pytest.mark.parametrize(
    "serial", ["/../../x/EVIL", "a b", "$(reboot)", "a/b", "é", "x" * 101]
)
def test_a_serial_number_becomes_a_name_only_if_it_can(play, serial):
    play(f"#!/bin/sh\nprintf '%s\\tdevice\\n' '{serial}'\n")
    for asked in (None, serial):
        with pytest.raises(DeviceError, match="letters, digits and . _ : - are expect"):
            Connection(asked)


@pytest.mark.parametrize("serial", ["emulator-5554", "192.168.0.2:5555", "adb-R._tcp"])
def test_serial_numbers(play, serial):
    play(f"#!/bin/sh\nprintf '%s\\tdevice\\n' '{serial}'\n")
    assert Connection().serial == serial
