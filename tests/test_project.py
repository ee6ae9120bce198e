"""The lists of what the project needs agree with each other."""

import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from paths import ROOT


def read_requirements(file):
    lines = (line.partition("#")[0] for line in (ROOT / file).read_text().splitlines())
    return [
        Requirement(line)
        for line in lines
        if line.strip() and not line.startswith("-r")
    ]


def test_metadata_and_requirements_are_one_list():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    metadata = [Requirement(line) for line in project["dependencies"]]
    assert metadata == read_requirements("requirements.txt")
    for name, lines in project["optional-dependencies"].items():
        extra = [Requirement(line) for line in lines]
        assert extra == read_requirements(f"requirements-{name}.txt")


def test_the_lock_file_holds_every_requirement():
    pins = {}
    for pin in read_requirements("requirements_lock.txt"):
        pins.setdefault(canonicalize_name(pin.name), []).append(pin.specifier)
    names = ("", "-report", "-web", "-dev")
    for file in (f"requirements{name}.txt" for name in names):
        for wanted in read_requirements(file):
            versions = pins.get(canonicalize_name(wanted.name))
            assert versions, f"{wanted} is not in requirements_lock.txt: make it again."
            for version in (str(pin).removeprefix("==") for pin in versions):
                assert version in wanted.specifier, f"{wanted} but {version} is locked."
