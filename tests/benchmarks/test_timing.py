"""Timing: the order of what is timed, and processes."""

import subprocess
import sys

import pytest

from benchmarks import timing


def test_functions_take_turns():
    calls = []
    functions = {name: lambda name=name: calls.append(name) for name in "ab"}
    seconds = timing.alternate(functions, 3)
    assert "".join(calls) == "ab" + "ab" + "ba" + "ab"
    assert [len(seconds[name]) for name in "ab"] == [3, 3]
    assert all(second > 0 for name in "ab" for second in seconds[name])


def test_a_process_is_timed_to_its_first_line(tmp_path, monkeypatch):
    code = "import time; print('one', flush=True); time.sleep(2); print('{\"a\": 4}')"
    (tmp_path / "two_lines.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    seconds, content = timing.in_a_process("two_lines")
    assert content == {"a": 4}
    assert 0 < seconds < 2


def test_a_process_that_fails_is_an_error():
    with pytest.raises(ChildProcessError, match="no_such_module"):
        timing.in_a_process("no_such_module")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory_counts_what_was_given_back():
    code = (
        "from benchmarks import timing; a = timing.peak_memory(); "
        "bytearray(200 << 20); print(timing.peak_memory() - a)"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, check=True, text=True)
    assert 190 < float(result.stdout) < 220
