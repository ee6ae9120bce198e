"""A headless browser for tests, LiteRT.js, and what they are skipped without."""

import contextlib
import os
import shutil
import subprocess
import time

import pytest

from export.browser import chromium, litert_js
from export.browser.server import for_folder, open_server, running

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
SECONDS = 60


def find_chromium():
    """The path of Chromium; skips the test if it is not installed."""
    if not any(map(shutil.which, chromium.NAMES)):
        pytest.skip("Chromium is not installed")
    return chromium.find()


def get_litert_js(folder):
    """Puts LiteRT.js into a folder; skips the test where it cannot be had."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed, from which LiteRT.js comes")
    flags = "--prefer-offline --ignore-scripts --no-audit --no-fund".split()
    command = ["npm", "install", f"--prefix={folder}", *flags, *litert_js.PACKAGES]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if process.returncode:
        pytest.skip(f"npm cannot get LiteRT.js: {process.stderr[-300:]}")
    return folder


def fake_litert_js(folder, version=litert_js.VERSION):
    """A folder as npm leaves it, whose files hold next to nothing."""
    for name in (litert_js.CORE, litert_js.UTILS):
        package = folder / "node_modules" / name
        (package / "dist").mkdir(parents=True)
        (package / "package.json").write_text(f'{{"version": "{version}"}}')
    core = folder / "node_modules" / litert_js.CORE
    (core / "dist/index.js").write_text(
        f'import {{ createWasmLib }} from "{litert_js.UTILS}"\n//# sourceMappingURL=x'
    )
    utils = folder / "node_modules" / litert_js.UTILS
    (utils / "dist/index.js").write_text("export const createWasmLib = 0;")
    (core / "wasm").mkdir()
    for build in litert_js.BUILDS.values():
        (core / f"wasm/{build}.js").write_text("code")
        (core / f"wasm/{build}.wasm").write_bytes(b"\0asm")
    return folder


@contextlib.contextmanager
def served(folder):
    """Yields the address of a folder that is served."""
    server = open_server(for_folder(folder), "127.0.0.1", 0)
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}/"


@contextlib.contextmanager
def opened(profile, *flags):
    """Yields Selenium's driver of a headless Chromium."""
    program, driver = find_chromium(), shutil.which("chromedriver")
    webdriver = pytest.importorskip("selenium.webdriver")
    if not driver:
        pytest.skip("chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    size = "--window-size=1280,900"
    flags = [*chromium.FLAGS, size, f"--user-data-dir={profile}", *flags]
    for flag in flags + ["--no-sandbox"] * (os.geteuid() == 0):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    browser.set_script_timeout(SECONDS)
    try:
        yield browser
    finally:
        browser.quit()


def wait_until(function):
    """Waits until a function returns something true, and returns that."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if result := function():
            return result
        time.sleep(0.05)
    raise AssertionError("It did not happen in time.")
