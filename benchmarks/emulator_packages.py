"""Packages of the emulator: fetched and unpacked into a folder, not installed."""

import importlib.metadata
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tfdyn.errors import UserError

# Debian's packages: for this machine, then for the emulated one. apt adds all that
# they need, for it is asked as if nothing were installed.
PACKAGES = (
    "qemu-user:amd64",
    "python3-minimal:arm64",
    "libpython3-stdlib:arm64",
    "libstdc++6:arm64",
)
# Wheels: of the versions that this Python runs, so that only the processor differs.
WHEELS = ("ai-edge-litert", "flatbuffers", "numpy")
# Versions of Linux's C library for which wheels are made, as pip names them.
PLATFORMS = ("manylinux_2_17", "manylinux2014", "manylinux_2_27", "manylinux_2_28")


class UnavailableError(UserError):
    """The emulator cannot be set up on this machine."""


def wheels() -> list[str]:
    """Returns the wheels of the emulated Python, as pip names them, with versions."""
    return [f"{name}=={importlib.metadata.version(name)}" for name in WHEELS]


def find_python(root: pathlib.Path) -> pathlib.Path:
    """Returns the path of the emulated Python, such as usr/bin/python3.11.

    Args:
        root: Folder `arm64`, which `unpack_debian` made.
    """
    return next(iter(sorted((root / "usr/bin").glob("python3.*"))))


def unpack_debian(folder: pathlib.Path) -> None:
    """Fetches Debian's packages and unpacks them.

    Args:
        folder: Gets `amd64/`, QEMU and its libraries, and `arm64/`, Python and its own.

    Raises:
        UnavailableError: If they cannot be had.
    """
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            raise UnavailableError(
                f"The emulator is made of Debian's packages, and there is no {program} "
                f"on this machine."
            )
    for processor in ("amd64", "arm64"):
        (folder / processor).mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        for path in _fetch(pathlib.Path(place)):
            processor = path.stem.rpartition("_")[2]
            if processor != "all":  # Texts.
                call("dpkg-deb", "--extract", str(path), str(folder / processor))
    for root in (folder / "amd64", folder / "arm64"):
        for name in ("lib", "lib64"):  # In newer releases, links that no package has.
            if (root / "usr" / name).exists() and not (root / name).exists():
                (root / name).symlink_to(f"usr/{name}")
    for path in (folder / "amd64/usr/bin").glob("qemu-*"):
        if path.name != "qemu-aarch64":  # Of thirty other processors.
            path.unlink()


def _fetch(place):
    """Returns the paths of all packages that are needed, fetched into a folder."""
    # apt with lists and a state of its own: nothing of this machine changes, and no
    # rights of an administrator are needed.
    for name in ("lists/partial", "cache/archives/partial"):
        (place / name).mkdir(parents=True)
    (place / "status").touch()
    apt = ["apt-get", "-qq"]
    for option in (
        f"Dir::State::Lists={place}/lists",
        f"Dir::State::status={place}/status",
        f"Dir::Cache={place}/cache",
        "APT::Architecture=amd64",
        "APT::Architectures::=amd64",
        "APT::Architectures::=arm64",
        "APT::Install-Recommends=false",
        "APT::Sandbox::User=",
        "APT::Update::Error-Mode=any",
        "Acquire::Retries=1",
        "Acquire::http::Timeout=20",
        "Debug::NoLocking=1",
    ):
        apt += ["-o", option]
    call(*apt, "update")
    call(*apt, "--yes", "--download-only", "install", *PACKAGES)
    return sorted((place / "cache/archives").glob("*.deb"))


def unpack_wheels(folder: pathlib.Path, python: pathlib.Path) -> None:
    """Fetches the wheels for ARM64 and unpacks them.

    Args:
        folder: Folder to unpack them into.
        python: Path of the emulated Python.

    Raises:
        UnavailableError: If they cannot be had.
    """
    call(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
        *("--disable-pip-version-check", "--no-compile", "--only-binary=:all:"),
        *("--timeout=20", "--retries=1", f"--target={folder}"),
        f"--python-version={python.name.removeprefix('python')}",
        *(f"--platform={name}_aarch64" for name in PLATFORMS),
        *wheels(),
    )


def call(*command: str) -> None:
    """Runs a program that fetches or makes a part of the emulator.

    Args:
        *command: Its words.

    Raises:
        UnavailableError: If it fails, with one line of what it printed.
    """
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines() or ["no output"]
        line = next((line for line in lines if line.startswith("E:")), lines[-1])
        program = "pip" if command[1:3] == ("-m", "pip") else command[0]
        raise UnavailableError(
            f"The packages of the emulator cannot be had: {program} failed: {line}"
        )
