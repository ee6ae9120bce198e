"""run_benchmark.sh on what `adb_stand_in.py` plays: times, failures, nothing left."""

import os
import re
import shutil
import signal
import subprocess
import time

import adb_phone
import pytest
from adb_phone import SERIAL

from export.android.folder import SCRIPT, TEMPLATES

SHELLS = [shell for shell in ("sh", "bash", "busybox") if shutil.which(shell)]
ROWS = """# a comment
model.fixed.tflite light 1234567 --input_layer=image --input_layer_shape=1,2,2,1 \
--input_layer_value_files=image:FOLDER/light.raw
model.tflite heavy 20000000 --input_layer=threshold,image --input_layer_shape=:1,2,2,1 \
--input_layer_value_files=image:FOLDER/heavy.raw,threshold:FOLDER/threshold.raw
"""


@pytest.fixture
def folder(tmp_path):
    """A folder as `export.android` makes it, of files that no one reads."""
    folder = tmp_path / "my models" / "android"
    (folder / "inputs").mkdir(parents=True)
    for name in ("light", "heavy", "threshold"):
        (folder / "inputs" / f"{name}.raw").write_bytes(name.encode())
        (folder / "inputs" / f"{name}.png").touch()
    for name in ("model.tflite", "model.fixed.tflite"):
        (folder / name).write_bytes(b"\0\0\0\0TFL3" + name.encode())
    (folder / "benchmark.txt").write_text(ROWS)
    shutil.copy(TEMPLATES / SCRIPT, folder)
    (tmp_path / "temporary").mkdir()
    return folder


@pytest.fixture
def phone(tmp_path, monkeypatch):
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    monkeypatch.setenv("POLL_SECONDS", "0.01")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    with adb_phone.connected(tmp_path, monkeypatch) as phone:
        yield phone
    assert list((tmp_path / "temporary").iterdir()) == []


def run(folder, *arguments, shell="sh", **changes):
    return subprocess.run(
        [shell, *(["sh"] if shell == "busybox" else []), folder / SCRIPT, *arguments],
        env={**os.environ, **changes},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def error(process):
    """The error of a run that has failed; it is one sentence or two in one line."""
    assert process.returncode == 1
    assert process.stderr.startswith("error: ") and process.stderr.count("\n") == 1
    return process.stderr


def told(phone):
    """The flags that the benchmark was given, by run, without the folder's number."""
    lines = [line for line in phone.lines if "--graph" in line]
    return [re.sub(r"tfdyn-[\d-]+", "OWN", line) for line in lines]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("app", [False, True])
def test_each_row_is_run_and_printed(phone, folder, app, shell):
    options = ["--app"] if app else []
    process = run(folder, "--threads=4", "--runs=7", *options, shell=shell)
    assert process.returncode == 0 and process.stderr == ""
    what = "the benchmark app" if app else "benchmark_model"
    assert process.stdout.splitlines() == [
        f"{SERIAL}, {what}, threads: 4, runs: 7",
        f"{'model':26} {'input':8} {'MACs':>12} {'ms':>10}",
        f"{'model.fixed.tflite':26} {'light':8} {'1.23 M':>12} {'0.405':>10} median",
        f"{'model.tflite':26} {'heavy':8} {'20.00 M':>12} {'0.405':>10} median",
    ]
    first, second = told(phone)
    home = "/data/local/tmp/OWN"
    assert ("am start -S -n org." if app else "/tmp/benchmark_model' ") in second
    assert (
        f"--graph={home}/model.tflite --input_layer=threshold,image "
        f"--input_layer_shape=:1,2,2,1 "
        f"--input_layer_value_files=image:{home}/heavy.raw,"
        f"threshold:{home}/threshold.raw --num_threads=4 --num_runs=7 --min_secs=0 "
        f"--warmup_runs=3 --warmup_min_secs=0.2 --max_secs=60"
    ) in second
    assert f"--graph={home}/model.fixed.tflite --input_layer=image " in first


@pytest.mark.parametrize("app", [False, True])
@pytest.mark.parametrize(
    "benchmark, end, ms",
    [
        ("new", "\r\n", "0.405 median"),
        ("old", "\n", "0.412 average"),
        ("old", "\r\r\n", "0.412 average"),
        ("same", "\n", "0.412 median"),
    ],
)
def test_builds(phone, folder, app, benchmark, end, ms):
    phone.play(benchmark=benchmark, end=end)
    process = run(folder, *(["--app"] if app else []))
    assert process.returncode == 0
    assert process.stdout.count(ms) == 2


def test_a_binary_of_this_machine_is_pushed(phone, folder, tmp_path):
    program = tmp_path / "android benchmark"
    program.write_bytes(b"ELF")
    assert run(folder, f"--benchmark_model={program}").returncode == 0
    for line in told(phone):
        assert line.startswith("'/data/local/tmp/OWN/benchmark_model' --graph=")


def test_a_binary_elsewhere_on_the_device(phone, folder):
    program = phone.folder / "device" / "system" / "bin" / "benchmark model"
    program.parent.mkdir(parents=True)
    shutil.copy(phone.files / "benchmark_model", program)
    process = run(folder, "--benchmark_model=/system/bin/benchmark model")
    assert process.returncode == 0
    assert told(phone)[0].startswith("'/system/bin/benchmark model' --graph=")


def test_without_a_binary_it_is_the_app(phone, folder):
    (phone.files / "benchmark_model").chmod(0o644)
    process = run(folder)
    assert process.returncode == 0 and "the benchmark app" in process.stdout


def test_no_benchmark(phone, folder):
    (phone.files / "benchmark_model").chmod(0o644)
    phone.play(app=False)
    message = (
        "no benchmark on emulator-5554. Get .* https://ai.google.dev/.*adb install"
    )
    assert re.search(message, error(run(folder)))
    message = "neither b on this machine nor .* on emulator-5554. Get .* https://ai"
    assert re.search(message, error(run(folder, "--benchmark_model=b")))
    message = "app is not installed on .* https://ai.google.dev/.*install -r -d -g"
    assert re.search(message, error(run(folder, "--app")))


def test_no_adb(folder):
    path = "/usr/bin:/bin"
    if shutil.which("adb", path=path):
        pytest.skip("There is an adb beside the tools of the shell.")
    message = "no adb on the PATH: .* https://developer.android.com/tools/releases/"
    assert re.search(message, error(run(folder, PATH=path)))


@pytest.mark.parametrize(
    "devices, message",
    [
        ({}, "There is no Android device: connect one"),
        ({"a": "device", "b": "device"}, "choose one with --serial=a --serial=b"),
        ({SERIAL: "unauthorized"}, "does not trust this computer .unauthorized.: unl"),
        (
            {SERIAL: "offline"},
            "emulator-5554 is not ready .offline.: wait until it has",
        ),
    ],
)
def test_no_device_that_is_ready(phone, folder, devices, message):
    phone.play(devices=devices)
    assert re.search(message, error(run(folder)))


def test_one_of_several_devices(phone, folder):
    phone.play(devices={"a": "device", "b": "device"})
    assert run(folder, "--serial=b").stdout.startswith("b, ")
    assert run(folder, ANDROID_SERIAL="a").stdout.startswith("a, ")
    message = "no device c: choose one with --serial=a --serial=b"
    assert re.search(message, error(run(folder, "--serial=c")))


def test_no_space(phone, folder):
    phone.play(full=True)
    assert re.search("has no space for [0-9]+ kB in /data.*: free", error(run(folder)))


@pytest.mark.parametrize(
    "app, call, what",
    [
        *((False, 4, "adb push"), (False, 5, "chmod")),
        *(
            (False, 6, "model.fixed.tflite on light"),
            (False, 7, "model.tflite on heavy"),
        ),
        *((True, 6, "logcat -c"), (True, 7, "am start"), (True, 8, "logcat")),
    ],
)
def test_disconnected_halfway(phone, folder, app, call, what):
    phone.play(lost_from=call)
    process = run(folder, *(["--app"] if app else []))
    assert process.returncode == 1
    lost, left = process.stderr.splitlines()
    assert f"{SERIAL} was lost at {what}: it is disconnected. Check that" in lost
    assert f"remove them by: adb -s {SERIAL} shell rm -rf /data/local/tmp/tfd" in left
    for path in phone.files.glob("tfdyn-*"):  # It is lost: nobody can remove them.
        shutil.rmtree(path)
    (phone.folder / "alive").unlink(missing_ok=True)


@pytest.mark.parametrize(
    "benchmark, app, said",
    [
        ("crash", False, "Segmentation fault"),
        ("crash", True, "tflite  : count=3"),
        ("refused", False, "builtin opcode 'IF' version"),
        ("refused", True, "builtin opcode 'IF' version"),
        ("garbage", False, "Usage: something else"),
        ("cut", False, "  count=50 first=431"),
    ],
)
def test_the_benchmark_fails(phone, folder, benchmark, app, said):
    phone.play(benchmark=benchmark)
    process = run(folder, *(["--app"] if app else []))
    assert process.returncode == 1
    assert process.stdout.count("failed") == 2  # The other models are tried too.
    assert "model.tflite on heavy failed; the benchmark printed last:" in process.stderr
    assert said in process.stderr
    assert "a newer build of it may support that: https://" in process.stderr


@pytest.mark.parametrize("app", [False, True])
def test_a_benchmark_that_does_not_end(phone, folder, app):
    phone.play(benchmark="hang")
    process = run(folder, "--timeout=1", *(["--app"] if app else []))
    assert process.returncode == 1
    assert re.search(
        "on light did not end on emulator-5554 in 1 s: set", process.stderr
    )
    assert "count=3 first=902" in process.stderr
    stop = "am force-stop org" if app else "pkill -f '/data/local/tmp/tfdyn-"
    assert any(line.startswith(stop) for line in phone.lines)


def test_the_log_may_be_busy(phone, folder):
    phone.play(busy_log=1)
    assert run(folder, "--app").returncode == 0
    phone.play(busy_log=9)
    process = run(folder, "--app")
    assert process.returncode == 1 and "clear the 'main' log" in process.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(phone, folder, number):
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("Who started the tests has it ignored, and so it stays.")
    phone.play(benchmark="hang")
    script = ["sh", folder / SCRIPT]
    with subprocess.Popen(script, stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + 30
        while not ((phone.folder / "calls").exists() and told(phone)):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(30) == 128 + number


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--thread=2"], "Unknown argument --thread=2; --help"),
        (["--threads=two"], "whole numbers, 1 or more; got two"),
        (["--runs=0"], "1 or more; got 0"),
        (["--app", "--benchmark_model=b"], "not both"),
    ],
)
def test_what_is_wrong_is_said(folder, arguments, message):
    assert message in error(run(folder, *arguments))


def test_help(folder):
    process = run(folder, "--help")
    assert process.returncode == 0
    for option in ("serial", "threads", "runs", "timeout", "benchmark_model", "app"):
        assert f"  --{option} " in process.stdout
