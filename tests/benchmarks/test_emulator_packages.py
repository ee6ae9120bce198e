"""Packages of the emulator: why they cannot be had, in one line."""

import sys

import pytest

from benchmarks import emulator_packages as packages


def test_no_packages_of_debian(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(packages.UnavailableError, match="there is no apt-get on this"):
        packages.unpack_debian(tmp_path)


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        ("W: slow\nE: Failed to fetch a\nE: Some files failed", "E: Failed to fetch a"),
        (
            "a long story\nERROR: No matching distribution\n",
            "ERROR: No matching distri",
        ),
        ("", "no output"),
    ],
)
def test_a_program_that_fails_is_named_with_one_line(printed, line):
    code = f"import sys; sys.exit({printed!r})"
    with pytest.raises(packages.UnavailableError) as error:
        packages.call(sys.executable, "-c", code)
    assert f"{sys.executable} failed: {line}" in str(error.value)
    assert "\n" not in str(error.value)


def test_the_wheels_have_the_versions_that_run_here():
    names = [wheel.partition("==")[0] for wheel in packages.wheels()]
    assert names == [*packages.WHEELS] and all("==" in w for w in packages.wheels())
