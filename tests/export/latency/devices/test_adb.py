"""Adb: files timed on a device that `adb_stand_in.py` plays, and nothing left there."""

import json
import shlex

import adb_phone
import numpy as np
import pytest
from adb_phone import MEDIAN, SERIAL, measured

from export.latency.devices.adb import Adb
from export.latency.devices.adb_process import DeviceError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return adb_phone.network(tmp_path_factory.mktemp("export") / "sum.tflite")


@pytest.fixture
def phone(tmp_path, monkeypatch):
    with adb_phone.connected(tmp_path, monkeypatch) as phone:
        yield phone


@pytest.mark.parametrize("app", [False, True])
def test_several_files_in_any_order(phone, path, app):
    device = Adb(app=app, timeout_s=30)
    inputs = {"b": {"threshold": 0.5, "image": np.arange(4)}}
    with device.session({"a/1": path, "b": path}, inputs, num_threads=4) as measure:
        (folder,) = [name for name in phone.left if name.startswith("tfdyn-")]
        files = phone.files / folder
        assert {file.name for file in files.iterdir()} == {"0.tflite", "1.0", "1.1"}
        assert (files / "0.tflite").read_bytes() == path.read_bytes()
        assert (files / "1.0").read_bytes() == np.float32(0.5).tobytes()
        assert (files / "1.1").read_bytes() == bytes(range(4))
        for name in ("b", "a/1", "b"):
            assert measure(name, runs=7) == MEDIAN
    lines = [line for line in phone.lines if "--graph" in line]
    assert [line.count("--input_layer=") for line in lines] == [1, 0, 1]
    folder = f"/data/local/tmp/{folder}"
    words = shlex.split(lines[0])
    assert set(words[-1].split() if app else words[1:]) == {
        f"--graph={folder}/0.tflite",
        "--input_layer=threshold,image,alpha",
        "--input_layer_shape=:1,2,2,1:3,1,1,1",
        f"--input_layer_value_files=threshold:{folder}/1.0,image:{folder}/1.1",
        *("--num_threads=4", "--num_runs=7", "--min_secs=0", "--max_secs=15"),
        *("--warmup_runs=3", "--warmup_min_secs=0.2"),
    }


def test_it_describes_itself(phone):
    device = Adb()
    assert device.name == f"adb-{SERIAL}"
    assert json.loads(json.dumps(device.describe())) == {
        "device": device.name,
        "serial": SERIAL,
        "manufacturer": "Acme",
        "model": "Phone 7 [EU]",
        "soc": None,
        "android": "14",
        "abi": "arm64-v8a",
        "benchmark": "benchmark_model",
    }
    assert Adb(app=True).describe()["benchmark"] == "org.tensorflow.lite.benchmark"


def test_no_space(phone, path):
    phone.play(full=True)
    with pytest.raises(DeviceError, match=r"no space for 0.0 MB .*: free some"):
        measured(path)


@pytest.mark.parametrize(
    "app, call",
    # At pkill, rm, the look for the program, push, chmod, the first and the second
    # run; at pm, am start, pidof and the log.
    [
        *((False, call) for call in range(2, 9)),
        *((True, call) for call in (4, 8, 9, 10)),
    ],
)
def test_disconnected_halfway(phone, path, app, call, caplog):
    phone.play(lost_from=call)
    with pytest.raises(DeviceError, match="was lost at .*: it is disconnected. Check"):
        with Adb(app=app).session({"sum": path}, {}) as measure:
            for _ in range(3):
                measure("sum")
    if call > 3:
        assert "still be in /data/local/tmp/tfdyn-" in caplog.text
    phone.play()  # It is back: the next session ends and removes what was left.
    with Adb(app=app).session({}, {}):
        (folder,) = phone.files.glob("tfdyn-*")
        assert not list(folder.iterdir()) and not (phone.folder / "alive").exists()


@pytest.mark.parametrize("exception", [KeyboardInterrupt, ZeroDivisionError])
def test_nothing_is_left_after_an_exception(phone, path, exception):
    with pytest.raises(exception):
        with Adb().session({"sum": path}, {}) as measure:
            measure("sum")
            raise exception


def test_lost_after_an_exception_of_another(phone, path, caplog):
    with pytest.raises(ZeroDivisionError):
        with Adb().session({"sum": path}, {}):
            phone.play(devices={})
            raise ZeroDivisionError
    assert "tfdyn-" in caplog.text and f"of {SERIAL}; the next session" in caplog.text
    phone.play()
    measured(path)


def test_what_is_wrong_is_said(phone, path, tmp_path):
    device, files = Adb(), {"a": path}
    with pytest.raises(ValueError, match="There is no file .*gone.tflite"):
        measured(tmp_path / "gone.tflite", device)
    with pytest.raises(
        ValueError, match="num_threads must be a whole number from 1 to 256; got 0"
    ):
        with device.session(files, {}, num_threads=0):
            pass
    with device.session(files, {}) as measure:
        with pytest.raises(ValueError, match="files are a; got b"):
            measure("b")
        with pytest.raises(ValueError, match="runs must be 1 or more; got 0"):
            measure("a", runs=0)
