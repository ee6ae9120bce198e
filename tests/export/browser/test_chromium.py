"""Chromium: which browser is found, and what is said if there is none."""

import pytest

from export.browser import chromium


def test_none_is_installed(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="no browser on the PATH .*--browser=PATH"):
        chromium.find()
    with pytest.raises(ValueError, match="--browser=missing is no program"):
        chromium.find("missing")


def test_one_is_started_with_a_profile_of_its_own(tmp_path):
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/flags\nexec sleep 60\n')
    program.chmod(0o755)
    with chromium.headless(str(program), "http://127.0.0.1:1/") as process:
        assert process.poll() is None
        while not (tmp_path / "flags").exists() or not (tmp_path / "flags").read_text():
            assert process.poll() is None
    assert process.poll() is not None
    flags = (tmp_path / "flags").read_text()
    assert "--headless=new" in flags and "--user-data-dir=" in flags
    assert flags.endswith("http://127.0.0.1:1/\n")


def test_a_program_that_does_not_run(tmp_path):
    program = tmp_path / "browser"
    program.write_text("no program")
    program.chmod(0o755)
    with pytest.raises(ValueError, match="cannot be run"):
        with chromium.headless(str(program), "http://127.0.0.1:1/"):
            pass
