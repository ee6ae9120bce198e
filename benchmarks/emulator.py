"""Emulator: an ARM64 processor with Python and LiteRT, in a folder of this machine.

QEMU runs programs of another processor, one at a time, without a system of their own.
All that they need is unpacked into one folder, and nothing is installed: QEMU, Python
and their libraries from Debian's packages, LiteRT and numpy from their wheels. The
emulated processor computes what a phone's would; its time means nothing.
"""

import dataclasses
import glob
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys

from benchmarks.emulator_packages import (
    PACKAGES,
    UnavailableError,
    call,
    find_python,
    unpack_debian,
    unpack_wheels,
    wheels,
)
from tfdyn.files import whole

ROOT = pathlib.Path(__file__).parents[1]
PLUGIN = pathlib.Path(__file__).with_name("count_instructions.c")
CPU = "cortex-a76"
# The runtime reads these files to learn what the processor can do, and crashes on those
# of another processor.
PROCESSOR = {
    "proc/cpuinfo": "processor\t: 0\n"
    "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid "
    "asimdrdm lrcpc dcpop asimddp\n"
    "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x4\n"
    "CPU part\t: 0xd0b\nCPU revision\t: 1\n\n",
    **{
        f"sys/devices/system/cpu/{name}": "0\n"
        for name in ("online", "possible", "present")
    },
}


@dataclasses.dataclass(frozen=True)
class Emulator:
    """Runs Python on an emulated ARM64 processor.

    Attributes:
        folder: Folder that `set_up` made.
        command: Words that start QEMU.
        counts: Whether it can count instructions.
    """

    folder: pathlib.Path
    command: tuple[str, ...]
    counts: bool

    def run(self, script: pathlib.Path, *arguments: str) -> str:
        """Runs a Python script on the emulated processor.

        It can import `export.interpreter` and what that needs.

        Args:
            script: Path of the script.
            *arguments: Its arguments.

        Returns:
            What it wrote to standard error, with a line "instructions N" at each call
            of `os.getppid`, if instructions are counted.

        Raises:
            RuntimeError: If the script fails.
        """
        arm = self.folder / "arm64"
        plugin = ("-plugin", f"{self.folder}/{PLUGIN.stem}.so") if self.counts else ()
        result = subprocess.run(
            [*self.command, *plugin, *("-cpu", CPU, "-L", arm)]
            + [find_python(arm), "-s", script, *arguments],
            # No variable of this machine: some name its own processor. A hash of words
            # that changes from run to run would change the number of instructions.
            env={
                "PYTHONPATH": f"{self.folder}/wheels:{ROOT}",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONHASHSEED": "0",
            },
            capture_output=True,
            text=True,
        )
        if result.returncode:
            raise RuntimeError(
                f"{script.name} ended with {result.returncode} on the emulated "
                f"processor:\n{result.stderr}"
            )
        return result.stderr


def set_up(folder: pathlib.Path | None = None) -> Emulator:
    """Returns the emulator. The first call downloads about 85 MB.

    Args:
        folder: Folder that holds it (default: tfdyn/arm64 in the user's cache). Each
            version of the packages has a folder of its own in it.

    Raises:
        UnavailableError: If the packages cannot be had on this machine.
        OSError: If the folder cannot be written to.
    """
    if folder is None:
        cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        folder = pathlib.Path(cache, "tfdyn", "arm64")
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise UnavailableError(
            f"The emulator runs on Linux on x86-64; this is {platform.system()} on "
            f"{platform.machine()}."
        )
    recipe = repr((PACKAGES, wheels(), PROCESSOR, PLUGIN.read_text("utf-8")))
    home = folder.absolute() / hashlib.sha256(recipe.encode()).hexdigest()[:12]
    if not home.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with whole(home) as temporary:
                _build(temporary)
        except OSError:
            if not home.exists():  # Else another process was faster.
                raise
    return Emulator(home, *_start(home))


def _build(folder):
    arm = folder / "arm64"
    unpack_debian(folder)
    unpack_wheels(folder / "wheels", find_python(arm))
    for name, content in PROCESSOR.items():
        (arm / name).parent.mkdir(parents=True, exist_ok=True)
        (arm / name).write_text(content)


def _start(home):
    """Returns the words that start QEMU, and whether it can count instructions."""
    root = home / "amd64"
    qemu = f"{root}/usr/bin/qemu-aarch64"
    libraries = ":".join(glob.glob(f"{root}/**/lib/x86_64-linux-gnu", recursive=True))
    loader = f"{root}/lib64/ld-linux-x86-64.so.2"
    # With its own libraries; QEMU of newer releases is one file that needs none.
    for command in ((loader, "--library-path", libraries, qemu), (qemu,)):
        if pathlib.Path(command[0]).exists():
            help = subprocess.run([*command, "--help"], capture_output=True, text=True)
            if help.returncode == 0:
                return command, "-plugin" in help.stdout and _compile_plugin(home)
    raise UnavailableError(f"{qemu} does not start on this machine: {help.stderr}")


def _compile_plugin(home):
    """Compiles the plugin that counts instructions. Returns whether it is there."""
    path = home / f"{PLUGIN.stem}.so"
    if not path.exists() and shutil.which("cc"):
        with whole(path) as temporary:
            call("cc", "-O2", "-shared", "-fPIC", f"-o{temporary}", str(PLUGIN))
    return path.exists()
