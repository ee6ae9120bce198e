"""The emulator: whole, or not there."""

import platform
import subprocess

import pytest

from benchmarks import emulator


@pytest.fixture
def linux(monkeypatch):
    monkeypatch.setattr(emulator.sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def test_another_processor(monkeypatch, tmp_path):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(emulator.UnavailableError, match="on riscv64"):
        emulator.set_up(tmp_path)


def test_nothing_half_made_stays(linux, monkeypatch, tmp_path):
    def unpack(folder):
        (folder / "arm64").mkdir(parents=True)
        raise emulator.UnavailableError("no network")

    monkeypatch.setattr(emulator, "unpack_debian", unpack)
    with pytest.raises(emulator.UnavailableError, match="no network"):
        emulator.set_up(tmp_path / "cache")
    assert not [*(tmp_path / "cache").iterdir()]


def test_it_is_made_once(linux, monkeypatch, tmp_path):
    folders = []

    def unpack(folder):
        folders.append(folder)
        python = folder / "arm64/usr/bin/python3.99"
        python.parent.mkdir(parents=True)
        python.touch()

    monkeypatch.setattr(emulator, "unpack_debian", unpack)
    monkeypatch.setattr(emulator, "unpack_wheels", lambda folder, python: None)
    monkeypatch.setattr(emulator, "_start", lambda home: (("qemu",), False))
    first, second = (emulator.set_up(tmp_path) for _ in range(2))
    assert first == second and len(folders) == 1
    assert "0xd0b" in (first.folder / "arm64/proc/cpuinfo").read_text()


def test_a_script_that_fails_says_what_it_printed(monkeypatch, tmp_path):
    def run(command, **_):
        return subprocess.CompletedProcess(command, -4, "", "qemu: illegal instruction")

    monkeypatch.setattr(emulator.subprocess, "run", run)
    monkeypatch.setattr(emulator, "find_python", lambda root: root / "python3")
    broken = emulator.Emulator(tmp_path, ("qemu",), False)
    with pytest.raises(RuntimeError, match="x.py ended with -4(.|\n)*illegal"):
        broken.run(tmp_path / "x.py")
