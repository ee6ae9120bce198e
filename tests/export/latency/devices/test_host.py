"""Host: files timed in LiteRT on this machine."""

import json

import numpy as np
import pytest
from litert_files import sum_file

from export.interpreter import Interpreter
from export.latency.devices.host import WARM_UP, Host


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return sum_file(tmp_path_factory.mktemp("export"))


@pytest.fixture
def interpreters(monkeypatch):
    """The `Interpreter`s that are made, in their order, with their threads."""
    interpreters = []

    def interpreter(path, num_threads):
        interpreters.append((Interpreter(path, num_threads), num_threads))
        return interpreters[-1][0]

    monkeypatch.setattr("export.latency.devices.host.Interpreter", interpreter)
    return interpreters


def test_each_has_its_inputs(path, interpreters):
    image = np.arange(4, dtype="uint8").reshape(2, 2, 1)
    inputs = {"a": {"image": image, "threshold": 0.5}, "b": {"threshold": 7}}
    sums = {"a": image + 0.5, "b": 0 * image + 7, "c": 0 * image}
    with Host().session({"a": path, "b": path, "c": path}, inputs) as measure:
        for name in "abccab":
            assert measure(name, runs=3) > 0
            interpreter, _ = interpreters[-1]
            np.testing.assert_array_equal(interpreter.outputs()["sum"][0], sums[name])
    assert len(interpreters) == 6  # Names that share a file do not share where it lies.


def test_files_are_loaded_when_needed_and_anew_each_time(
    path, tmp_path, interpreters, monkeypatch
):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    (tmp_path / "copy.tflite").write_bytes(path.read_bytes())
    files = {"a": path, "b": tmp_path / "copy.tflite", "gone": tmp_path / "gone.tflite"}
    with Host().session(files, {}, num_threads=2) as measure:
        assert not interpreters
        for name, loads in zip("abbaa", (1, 2, 3, 4, 5), strict=True):
            measure(name, runs=1)
            assert len(interpreters) == loads
    assert [num_threads for _, num_threads in interpreters] == [2] * 5


def test_it_runs_as_often_as_asked_once_warm(path, monkeypatch):
    calls = []
    monkeypatch.setattr(Interpreter, "invoke", lambda self: calls.append(self))
    with Host().session({"a": path}, {}) as measure:
        measure("a")
        measure("a", runs=4)
    assert len(calls) == 50 + 4 + 2 * WARM_UP


def test_what_is_wrong_is_said(path, tmp_path):
    files = {"a": path, "gone": tmp_path / "gone.tflite", "odd": path}
    with Host().session(files, {"odd": {"picture": 0}}) as measure:
        with pytest.raises(ValueError, match="files are a, gone, odd; got b"):
            measure("b")
        with pytest.raises(ValueError, match="runs must be 1 or more; got 0"):
            measure("a", runs=0)
        with pytest.raises(ValueError, match="There is no file .*gone.tflite"):
            measure("gone")
        with pytest.raises(ValueError, match="inputs .*image.*; got picture"):
            measure("odd")


def test_more_threads_than_cores(path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    for threads, message in ((0, "1 to 256"), (5, "4 cores"), (10**5, "1 to 256")):
        with pytest.raises(ValueError, match=message):
            with Host().session({"a": path}, {}, num_threads=threads):
                raise AssertionError("not reached")


def test_it_describes_itself():
    host = Host()
    description = json.loads(json.dumps(host.describe()))
    assert description["device"] == host.name == "host"
    assert description["processor"] and description["cores"] > 0
    assert description["ai-edge-litert"]
