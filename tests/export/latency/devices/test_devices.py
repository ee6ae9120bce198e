"""Devices by name."""

import adb_phone
import pytest

from export.latency.devices.devices import make_device


@pytest.fixture
def phone(tmp_path, monkeypatch):
    with adb_phone.connected(tmp_path, monkeypatch) as phone:
        yield phone


@pytest.mark.parametrize("name", ["phone", "adb:", "host:1", ""])
def test_devices_that_are_none(name):
    with pytest.raises(ValueError, match=f"browser or browser:NAME; got '{name}'"):
        make_device(name)


def test_devices(phone):
    assert make_device("host").name == "host"
    assert make_device("adb").name == f"adb-{adb_phone.SERIAL}"
    phone.play(devices={"a": "device", "b": "device"})
    assert make_device("adb:b").name == "adb-b"
    with pytest.raises(ValueError, match="are for --device=adb"):
        make_device("host", app=True)
