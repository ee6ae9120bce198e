"""The command: what it exports, and how it serves that."""

import contextlib
import json
import subprocess
import sys
import urllib.request

import browsing
import in_process
import pytest
from paths import ROOT

from export.browser.server import Handler, open_server


@pytest.mark.slow
def test_the_command(tiny_run, tmp_path):
    packages = browsing.fake_litert_js(tmp_path / "packages")
    result = in_process.run(
        *("export.web", f"--run_dir={tiny_run.path}", "--json", "--check_images=8"),
        *(f"--export_dir={tmp_path / 'export'}", f"--litert_js={packages}"),
        "--nothreshold_input",
    )
    assert not result.status, result.stderr
    content = json.loads(result.stdout)
    assert content["folder"] == str(tmp_path / "export/web")
    assert content["threshold"]["is_input"] is False
    assert content["models"]["routed"]["precision"] == "float16"
    assert content["bytes_loaded"] > 0


@contextlib.contextmanager
def serving(folder, *flags):
    """Yields the command's process and the lines that it printed."""
    command = [sys.executable, "-m", "export.web", f"--export_dir={folder}"]
    process = subprocess.Popen(
        [*command, "--serve", *flags],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_an_exported_folder_is_served(exported):
    folder, _ = exported
    with serving(folder.parent, "--port=0") as process:
        address = process.stdout.readline().split()[-1]
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}network.json", timeout=10) as response:
            assert json.loads(response.read())["name"]


def test_a_port_in_use(exported):
    folder, _ = exported
    with open_server(Handler, "127.0.0.1", 0) as server:
        port = server.server_port
        result = in_process.run(
            *("export.web", f"--export_dir={folder.parent}", "--serve"),
            f"--port={port}",
        )
    assert result.status
    assert result.stderr.startswith(f"error: --port={port} is in use")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("flag", ["--host=0.0.0.0", "--port=80"])
def test_flags_of_the_server_without_it(flag):
    result = in_process.run("export.web", flag)
    assert result.status and "are for --serve" in result.stderr
