"""LiteRT.js: copies the runtime that runs `.tflite` files in browsers."""

import gzip
import json
import pathlib
import shutil
import subprocess
import tempfile

from tfdyn.errors import UserError
from tfdyn.files import write_text

VERSION = "2.5.3"
CORE, UTILS = "@litertjs/core", "@litertjs/wasm-utils"
PACKAGES = [f"{name}@{VERSION}" for name in (CORE, UTILS)]
INSTALL = f"npm install {' '.join(PACKAGES)}"
TEMPLATES = pathlib.Path(__file__).with_name("templates")
# The build for browsers with relaxed SIMD, that for all others (such as Safari), and
# the one with threads.
BUILDS = {
    "relaxed": "litert_wasm_internal",
    "compat": "litert_wasm_compat_internal",
    "threaded": "litert_wasm_threaded_internal",
}
SECONDS = 300
NOTICE = """LiteRT.js {version}, copied from the npm packages {packages}.

Licence: Apache-2.0 (LICENSE). Source: https://github.com/google-ai-edge/LiteRT
Changes: core.js imports ./wasm_utils.js, and names no source map. The files of the
WebAssembly builds are compressed with gzip.
"""


def copy_runtime(
    folder: pathlib.Path,
    packages: str | pathlib.Path | None = None,
    builds: tuple[str, ...] = ("relaxed", "compat"),
) -> None:
    """Copies LiteRT.js into a new folder.

    Args:
        folder: Path of the folder. It does not exist yet.
        packages: Folder in which `INSTALL` was run. Default: npm downloads the packages
            from the registry that it is configured for, or takes them from its cache.
        builds: The WebAssembly builds to copy, names in `BUILDS`.

    Raises:
        UserError: If npm is missing or fails, or the packages are of another version or
            incomplete.
        OSError: If the folder cannot be written to.
    """
    if packages is not None:
        _copy(pathlib.Path(packages), folder, builds)
        return
    with tempfile.TemporaryDirectory() as temporary:
        _install(temporary)
        _copy(pathlib.Path(temporary), folder, builds)


def _install(folder):
    """Lets npm install the packages into a folder."""
    npm = shutil.which("npm")
    advice = (
        f"Run `{INSTALL}` in a folder on a machine with npm, and name that folder with "
        f"--litert_js=FOLDER."
    )
    if not npm:
        raise UserError(
            f"LiteRT.js comes from npm, which is not installed here: install Node.js. "
            f"Or: {advice}"
        )
    flags = "--prefer-offline --ignore-scripts --no-audit --no-fund".split()
    command = [npm, "install", f"--prefix={folder}", *flags, *PACKAGES]
    try:
        process = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"npm did not get {PACKAGES[0]} within {SECONDS} seconds. {advice}"
        ) from None
    if process.returncode:
        lines = process.stderr.replace("npm error ", "").split("\n")
        line = next((line for line in lines if line.strip()), "it printed nothing")
        raise UserError(
            f"npm could not get {PACKAGES[0]} from its registry ({line.strip()}). "
            f"{advice}"
        )


def _copy(packages, folder, builds):
    if not packages.is_dir():
        raise UserError(
            f"--litert_js={packages} is no folder: name one in which `{INSTALL}` ran, "
            f"or leave it out."
        )
    core, utils = (packages / "node_modules" / name for name in (CORE, UTILS))
    files = {
        "core.js": core / "dist/index.js",
        "wasm_utils.js": utils / "dist/index.js",
    }
    for build in builds:
        for ending in (".js", ".wasm"):
            files[f"{build}{ending}.gz"] = core / f"wasm/{BUILDS[build]}{ending}"
    for path in (core / "package.json", utils / "package.json", *files.values()):
        if not path.is_file():
            raise UserError(
                f"There is no file {path}: run `{INSTALL}` in {packages}, or leave out "
                f"--litert_js."
            )
    for package in (core, utils):
        version = json.loads((package / "package.json").read_text("utf-8"))["version"]
        if version != VERSION:
            raise UserError(
                f"{package} is of version {version}, but this page was written for "
                f"{VERSION}: run `{INSTALL}` in {packages}, or leave out --litert_js."
            )
    folder.mkdir(parents=True)
    for name, path in files.items():
        content = path.read_bytes()
        if name.endswith(".gz"):  # Servers of static files seldom compress.
            content = gzip.compress(content, mtime=0)
        else:
            content = _without_names(content.decode("utf-8"), name).encode("utf-8")
        (folder / name).write_bytes(content)
    shutil.copyfile(TEMPLATES / "apache-2.0.txt", folder / "LICENSE")
    notice = NOTICE.format(version=VERSION, packages=" and ".join((CORE, UTILS)))
    write_text(folder / "NOTICE", notice)


def _without_names(code, name):
    """Returns a module that imports by path, because browsers know no packages."""
    lines = [line for line in code.split("\n") if not line.startswith("//# source")]
    code = "\n".join(lines)
    if name != "core.js":
        return code
    if code.count(f'"{UTILS}"') != 1:
        raise UserError(
            f"{CORE} is not as npm has it, for it does not import {UTILS} once: run "
            f"`{INSTALL}` anew, or leave out --litert_js."
        )
    return code.replace(f'"{UTILS}"', '"./wasm_utils.js"')
