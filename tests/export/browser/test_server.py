"""Server: types, headers, and ports that cannot be had."""

import urllib.error
import urllib.request

import browsing
import pytest

from export.browser.server import Handler, open_server


@pytest.fixture
def address(tmp_path):
    (tmp_path / "main.js").write_text("1")
    (tmp_path / "model.tflite.gz").write_bytes(b"2")
    (tmp_path / "folder").mkdir()
    with browsing.served(tmp_path) as address:
        yield address


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("model.tflite.gz", "application/gzip"),
    ],
)
def test_types_and_headers(address, name, kind):
    with urllib.request.urlopen(address + name, timeout=10) as response:
        assert response.headers["Content-Type"] == kind
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_no_isolation_where_browsers_ignore_it(address):
    request = urllib.request.Request(address + "main.js", headers={"Host": "10.0.0.2"})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert "Cross-Origin-Opener-Policy" not in response.headers


@pytest.mark.parametrize("path", ["folder/", "missing", "../server.py", ""])
def test_what_is_not_served(address, path):
    with pytest.raises(urllib.error.HTTPError, match="404") as error:
        urllib.request.urlopen(address + path, timeout=10)
    error.value.close()


def test_a_port_in_use():
    with open_server(Handler, "127.0.0.1", 0) as server:
        port = server.server_port
        with pytest.raises(ValueError, match=f"--port={port} is in use .*another port"):
            open_server(Handler, "127.0.0.1", port)


def test_a_host_that_is_none():
    with pytest.raises(ValueError, match="--host=192.0.2.7 is no address of this"):
        open_server(Handler, "192.0.2.7", 0)
