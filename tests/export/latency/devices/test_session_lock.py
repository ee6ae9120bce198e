"""Session lock: one process at a time uses a device."""

import tempfile

import pytest

from export.latency.devices.session_lock import only_session


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_one_session_of_a_device_at_a_time(temporary):
    with only_session("adb-1"), only_session("adb-2"):
        with pytest.raises(ValueError, match="adb-1 has one session at a time: .*proc"):
            with only_session("adb-1"):
                raise AssertionError("not reached")
    assert not list(temporary.iterdir())
    with only_session("adb-1"):
        pass


def test_a_link_is_not_followed(temporary):
    with only_session("adb-1"):
        (name,) = [path.name for path in temporary.iterdir()]
    (temporary / "mine").mkdir()
    (temporary / name).symlink_to(temporary / "mine")
    with pytest.raises(ValueError, match="is a link"):
        with only_session("adb-1"):
            raise AssertionError("not reached")
    assert not list((temporary / "mine").iterdir())
