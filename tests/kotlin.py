"""Kotlin's compiler: JetBrains' own, from its package of npm."""

import os
import pathlib
import shutil
import subprocess
import tarfile

from tfdyn.files import whole

# Debian has 1.3: there `maxBy`, which the Android page calls, may return null.
VERSION = "2.4.20"
# Java's fast compiler alone, for Kotlin's runs for seconds.
JAVA_OPTIONS = "-Xms128M -Xmx512M -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
FOLDER = pathlib.Path.home() / ".cache/tfdyn" / f"kotlin-{VERSION}"


class UnavailableError(Exception):
    """The compiler cannot be had on this machine."""


def compiler() -> list[str]:
    """Returns the words that start the compiler. The first call downloads 90 MB."""
    for program in ("bash", "java", "npm"):
        if not shutil.which(program):
            raise UnavailableError(f"Kotlin needs {program}, which is not installed.")
    if not FOLDER.exists():
        FOLDER.parent.mkdir(parents=True, exist_ok=True)
        with whole(FOLDER) as temporary:
            temporary.mkdir()
            package = _fetch(temporary.parent)
            with tarfile.open(package) as archive:
                archive.extractall(temporary, filter="data")
    return ["bash", str(FOLDER / "package/bin/kotlinc")]


def _fetch(folder):
    words = f"npm pack --silent --fetch-retries=1 kotlin-compiler@{VERSION}".split()
    result = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if result.returncode:
        raise UnavailableError(f"npm cannot fetch Kotlin's compiler: {result.stderr}")
    return folder / result.stdout.strip()


def compile_kotlin(files: list[pathlib.Path], folder: pathlib.Path) -> str:
    """Compiles Kotlin; a warning is an error.

    Args:
        files: The source files.
        folder: Folder of the classes.

    Returns:
        What the compiler printed, "" if all is well.
    """
    words = [*compiler(), "-Werror", "-d", str(folder), *map(str, files)]
    environment = {**os.environ, "JAVA_OPTS": JAVA_OPTIONS}
    result = subprocess.run(words, env=environment, capture_output=True, text=True)
    return result.stderr or "it failed" if result.returncode else ""
