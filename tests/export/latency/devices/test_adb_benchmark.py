"""Benchmarks of Android, program and app: their builds, and how each fails."""

import shutil

import adb_phone
import pytest
from adb_phone import AVERAGE, MEDIAN, measured

from export.latency.devices.adb_process import DeviceError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return adb_phone.network(tmp_path_factory.mktemp("export") / "sum.tflite")


@pytest.fixture
def phone(tmp_path, monkeypatch):
    with adb_phone.connected(tmp_path, monkeypatch) as phone:
        yield phone


@pytest.mark.parametrize("app", [False, True])
@pytest.mark.parametrize(
    "benchmark, end, milliseconds",
    [("new", "\r\n", MEDIAN), ("old", "\n", AVERAGE), ("same", "\n", 0.412)],
)
def test_builds(phone, path, app, benchmark, end, milliseconds):
    phone.play(benchmark=benchmark, end=end)
    assert measured(path, app=app) == pytest.approx(milliseconds)


def test_a_program_of_this_machine_is_pushed(phone, path, tmp_path):
    program = tmp_path / "android_benchmark"
    program.write_bytes(b"ELF")
    assert measured(path, benchmark_model=str(program)) == MEDIAN
    (line,) = [line for line in phone.lines if "--graph" in line]
    assert line.split()[0].endswith("/benchmark_model")
    assert line.startswith("/data/local/tmp/tfdyn-")


def test_a_program_elsewhere_on_the_device(phone, path):
    program = phone.folder / "device" / "system" / "bin" / "benchmark model"
    program.parent.mkdir(parents=True)
    shutil.copy(phone.files / "benchmark_model", program)
    assert measured(path, benchmark_model="/system/bin/benchmark model") == MEDIAN


def test_no_benchmark(phone, path, tmp_path):
    message = r"neither b on this machine nor an executable /data/local/tmp/b on emu"
    with pytest.raises(DeviceError, match=rf"{message}.*https://ai.google.dev"):
        measured(path, benchmark_model="b")
    (phone.files / "benchmark_model").chmod(0o644)
    with pytest.raises(DeviceError, match="There is no benchmark_model: neither bench"):
        measured(path)


def test_no_app(phone, path):
    phone.play(app=False)
    with pytest.raises(DeviceError, match="not installed .* https://ai.google.dev"):
        measured(path, app=True)


@pytest.mark.parametrize(
    "benchmark, app, exception, message",
    [
        (
            "crash",
            False,
            DeviceError,
            "on the probe 'sum' failed .* status 139; .*Segmentat",
        ),
        (
            "crash",
            True,
            DeviceError,
            "app crashed on the probe 'sum' on emu.*tflite  : count",
        ),
        (
            "refused",
            False,
            DeviceError,
            "status 1; it printed last:\n.*'IF' ver.*a newer build may",
        ),
        (
            "refused",
            True,
            DeviceError,
            "app refused the probe 'sum' on emulator.*'IF' version",
        ),
        (
            "garbage",
            False,
            ValueError,
            "The probe 'sum' on emulator-5554: .*\n  Usage: something",
        ),
        ("cut", False, ValueError, "should end with .*\n.*count=50 first=431"),
        (
            "hang",
            False,
            TimeoutError,
            "model on the probe 'sum' did not end on emu.* 0.5 s: .*count=3",
        ),
        (
            "hang",
            True,
            TimeoutError,
            "app on the probe 'sum' did not end.*tflite  : count=3",
        ),
    ],
)
def test_the_benchmark_fails(phone, path, benchmark, app, exception, message):
    phone.play(benchmark=benchmark)
    with pytest.raises(exception, match=f"(?s){message}"):
        measured(path, app=app, timeout_s=0.5 if benchmark == "hang" else 30)
    stop = "am force-stop org" if app else "pkill -f '/data/local/tmp/tfdyn-"
    assert any(line.startswith(stop) for line in phone.lines)


def test_the_log_may_be_busy(phone, path):
    phone.play(busy_log=1)
    assert measured(path, app=True) == MEDIAN
    phone.play(busy_log=9)
    with pytest.raises(DeviceError, match="(?s)adb logcat -c failed.*clear the 'main'"):
        measured(path, app=True)
