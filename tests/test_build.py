"""BUILD is the architecture diagram: it is held against the files and their imports."""

import difflib
import re

from build_file import BUILD, ROOT, SOURCES, find_imports, find_needs, mend


def test_build_says_what_the_files_say():
    text = BUILD.read_text("utf-8")
    lines = text.splitlines(), mend(text).splitlines()
    change = "\n".join(difflib.unified_diff(*lines, "BUILD", "BUILD", lineterm=""))
    assert not change, f"Run `python tests/build_file.py`, or change BUILD:\n{change}"


def test_a_target_stands_below_those_that_it_needs():
    above, upward = set(), []
    for name, labels in find_needs(BUILD.read_text("utf-8")).items():
        above.add(f":{name}")
        needed = {label for label in labels if label[0] == ":"} - above
        upward += [f"{SOURCES[name]} imports {label[1:]}" for label in sorted(needed)]
    assert not upward, (
        "In BUILD the target of what is imported must stand above the target of what "
        "imports it: move the one, or drop the import.\n" + "\n".join(upward)
    )


def test_the_library_knows_nothing_of_its_exporters():
    for name, labels in find_needs(BUILD.read_text("utf-8")).items():
        exporters = [label[1:] for label in labels if label.split(".")[0] == ":export"]
        assert name.split(".")[0] != "tfdyn" or not exporters, (
            f"{SOURCES[name]} imports {exporters}; tfdyn must not import export."
        )


def test_what_is_imported_is_required():
    def read_names(file):
        lines = re.findall(r"^[\w.-]+", (ROOT / file).read_text("utf-8"), re.MULTILINE)
        return {re.sub("[-.]", "_", line).lower() for line in lines}

    library = read_names("requirements.txt")
    development = library | read_names("requirements-dev.txt")
    for name, labels in find_needs(BUILD.read_text("utf-8")).items():
        required = development if SOURCES[name].startswith("tests/") else library
        packages = {label.rpartition("/")[2] for label in labels if label[0] == "@"}
        assert packages <= required, (
            f"{SOURCES[name]} imports {sorted(packages - required)}, which no "
            "requirements file names."
        )


def test_a_lost_dependency_is_found():
    text = BUILD.read_text("utf-8")
    assert mend(text.replace('        "@pypi//keras",\n', "", 1)) == mend(text)


def test_imports_are_found_wherever_they_stand():
    code = """
from . import chain
def lazily(): from tensorflow import data, io
command = ["python", "-m", "tfdyn.train"]
if TYPE_CHECKING: import jax
else: import numpy as np
"""
    ours = {f"tfdyn.{module}" for module in ("layers.chain", "train")}
    theirs = {"tensorflow.data", "tensorflow.io", "numpy"}
    assert find_imports(code, package="tfdyn.layers") == ours | theirs
