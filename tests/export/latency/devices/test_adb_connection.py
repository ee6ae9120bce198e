"""Connection: which device, and what is said where there is none."""

import adb_phone
import pytest
from adb_phone import MEDIAN, SERIAL, measured

from export.latency.devices.adb import Adb
from export.latency.devices.adb_connection import Connection
from export.latency.devices.adb_process import DeviceError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return adb_phone.network(tmp_path_factory.mktemp("export") / "sum.tflite")


@pytest.fixture
def phone(tmp_path, monkeypatch):
    with adb_phone.connected(tmp_path, monkeypatch) as phone:
        yield phone


@pytest.mark.parametrize(
    "devices, serial, message",
    [
        ({}, None, "There is no Android device: connect one with USB debugging"),
        ({}, SERIAL, "There is no Android device"),
        ({SERIAL: "unauthorized"}, None, "unauthorized.*: unlock it and confirm"),
        ({SERIAL: "offline"}, SERIAL, r"not ready \(offline\)"),
        (
            {"R58": "device", SERIAL: "device"},
            None,
            f"2 devices: choose one with --device=adb:R58, --device=adb:{SERIAL}",
        ),
        (
            {SERIAL: "device"},
            "R58",
            f"no device R58: choose one with --device=adb:{SERIAL}",
        ),
    ],
)
def test_which_device(phone, devices, serial, message):
    phone.play(devices=devices)
    with pytest.raises(DeviceError, match=message):
        Connection(serial)


def test_no_adb(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="no adb on the PATH: install"):
        Connection()


def test_one_of_two(phone, path):
    phone.play(devices={SERIAL: "device", "R58": "device"})
    device = Adb("R58")
    assert device.name == "adb-R58" and measured(path, device) == MEDIAN
    assert {call[1] for call in phone.calls if call[0] == "-s"} == {"R58"}
