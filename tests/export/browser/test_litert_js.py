"""LiteRT.js: what is copied, and what is said where it cannot be had."""

import gzip
import subprocess

import browsing
import pytest

from export.browser import litert_js


def test_what_is_copied(tmp_path):
    packages = browsing.fake_litert_js(tmp_path / "packages")
    litert_js.copy_runtime(tmp_path / "litert", packages)
    assert sorted(path.name for path in (tmp_path / "litert").iterdir()) == [
        *("LICENSE", "NOTICE", "compat.js.gz", "compat.wasm.gz", "core.js"),
        *("relaxed.js.gz", "relaxed.wasm.gz", "wasm_utils.js"),
    ]
    code = (tmp_path / "litert/core.js").read_text()
    assert code == 'import { createWasmLib } from "./wasm_utils.js"'
    packed = (tmp_path / "litert/compat.wasm.gz").read_bytes()
    assert gzip.decompress(packed) == b"\0asm"
    assert "Apache License" in (tmp_path / "litert/LICENSE").read_text()
    assert litert_js.VERSION in (tmp_path / "litert/NOTICE").read_text()


def test_packages_of_another_version(tmp_path):
    packages = browsing.fake_litert_js(tmp_path / "packages", version="0.1.0")
    with pytest.raises(ValueError, match=r"version 0\.1\.0, but .*run `npm install"):
        litert_js.copy_runtime(tmp_path / "litert", packages)
    assert not (tmp_path / "litert").exists()


def test_packages_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="There is no file .*run `npm install"):
        litert_js.copy_runtime(tmp_path / "litert", tmp_path)


def test_core_that_imports_something_else(tmp_path):
    packages = browsing.fake_litert_js(tmp_path / "packages")
    core = packages / "node_modules" / litert_js.CORE / "dist/index.js"
    core.write_text("export {}")
    with pytest.raises(ValueError, match="not as npm has it"):
        litert_js.copy_runtime(tmp_path / "litert", packages)


def test_no_npm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ValueError, match="install Node.js. Or: .*--litert_js=FOLDER"):
        litert_js.copy_runtime(tmp_path / "litert")


def test_a_registry_that_cannot_be_reached(tmp_path, monkeypatch):
    monkeypatch.setattr(litert_js.shutil, "which", lambda name: name)
    failed = subprocess.CompletedProcess([], 1, "", "npm error code EAI_AGAIN\nmore")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ValueError, match=r"registry \(code EAI_AGAIN\)") as error:
        litert_js.copy_runtime(tmp_path / "litert")
    assert "\n" not in str(error.value)


def test_a_registry_that_hangs(tmp_path, monkeypatch):
    def hang(command, **_):
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(litert_js.shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(ValueError, match="npm did not get .* within 300 seconds"):
        litert_js.copy_runtime(tmp_path / "litert")
