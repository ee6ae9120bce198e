"""Browser server: what a page may do, and what nobody else may."""

import http.client
import json
import threading

import browsing
import pytest
from browser_stand_in import HELLO

from export.latency.devices import browser_server
from export.latency.devices.browser_server import BrowserServer


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(browser_server, "POLL_SECONDS", 0.05)
    packages = browsing.fake_litert_js(tmp_path / "packages")
    (tmp_path / "page").mkdir()
    server = BrowserServer("127.0.0.1", 0, packages, 1, tmp_path / "page")
    yield server
    server.close()


def request(server, name, content=None, method=None, prefix=None, **headers):
    """The status of an answer, and its text."""
    path = f"/{server.path if prefix is None else prefix}{name}"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    body = json.dumps(content) if isinstance(content, dict) else content
    method = method or ("GET" if content is None else "POST")
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def nothing():
    """A check that is always content."""


def test_the_page_and_its_files(server, tmp_path):
    (tmp_path / "model").write_text("weights")
    server.offer({"0.tflite": tmp_path / "model"})
    for name in ("", "profile.js", "runtime.js", "timing.js", "litert/core.js"):
        assert request(server, name)[0] == 200
    assert request(server, "0.tflite") == (200, "weights")
    assert request(server, "1.tflite")[0] == 404
    assert json.loads(request(server, "settings.json")[1]) == {"threads": 1}


@pytest.mark.parametrize("prefix", ["", "guessed/", "../"])
@pytest.mark.parametrize("content", [None, HELLO])
def test_nobody_else_is_answered(server, prefix, content):
    name = "hello" if content else "index.html"
    status, text = request(server, name, content, prefix=prefix)
    assert status == 404 and "whole address" in text
    assert server.browser is None


@pytest.mark.parametrize(
    "path", ["../../../etc/passwd", "%2e%2e/%2e%2e/model", "litert/"]
)
def test_nothing_beside_the_page_is_served(server, tmp_path, path):
    (tmp_path / "model").write_text("weights")
    assert request(server, path)[0] == 404


def test_a_post_that_is_too_long(server):
    long = json.dumps({**HELLO, "user_agent": "a" * browser_server.LARGEST_POST})
    status, text = request(server, "hello", long)
    assert status == 413 and server.browser is None
    status, _ = request(server, "hello", "{}", **{"Content-Length": "-1"})
    assert status == 413


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[]",
        "[" * 5000,
        {},
        {**HELLO, "page": 5},
        {**HELLO, "cores": -1},
        {**HELLO, "clock_step_us": "5"},
        {**HELLO, "isolated": 1},
    ],
)
def test_a_hello_that_is_none(server, content):
    assert request(server, "hello", content)[0] == 400
    assert server.browser is None


def test_what_would_move_a_cursor_is_removed(server):
    request(server, "hello", {**HELLO, "user_agent": "a\x1b[2Jb\nc"})
    assert server.browser["user_agent"] == "a[2Jbc"


def test_a_job_and_its_result(server):
    request(server, "hello", HELLO)
    assert server.wait_for_browser(nothing)["cores"] == 4
    assert request(server, "next", {"page": "1-2"}) == (200, "{}")

    def work():
        job = {}
        while not job:
            job = json.loads(request(server, "next", {"page": "1-2"})[1])
        assert job["name"] == "stem"
        wrong = {"page": "1-2", "id": job["id"] + 1, "milliseconds": 9.0}
        request(server, "result", wrong)
        other = {"page": "9-9", "id": job["id"], "milliseconds": 9.0}
        request(server, "result", other)
        bad = {"page": "1-2", "id": job["id"], "milliseconds": -1}
        assert request(server, "result", bad)[0] == 400
        request(server, "result", {**bad, "milliseconds": 0.25})

    thread = threading.Thread(target=work)
    thread.start()
    assert server.ask({"name": "stem"}, nothing) == 0.25
    thread.join()


def test_a_network_that_the_page_cannot_run(server):
    request(server, "hello", HELLO)

    def work():
        job = {}
        while not job:
            job = json.loads(request(server, "next", {"page": "1-2"})[1])
        failed = {"page": "1-2", "id": job["id"], "error": "out of memory"}
        request(server, "result", failed)

    thread = threading.Thread(target=work)
    thread.start()
    with pytest.raises(OSError, match="could not run stem: out of memory"):
        server.ask({"name": "stem"}, nothing)
    thread.join()


def test_the_last_page_works_and_the_former_ends(server):
    request(server, "hello", HELLO)
    request(server, "hello", {**HELLO, "page": "3-4"})
    ended = json.loads(request(server, "next", {"page": "1-2"})[1])
    assert ended == {"end": True}
    assert json.loads(request(server, "next", {"page": "3-4"})[1]) == {}


def test_the_server_ends_and_so_does_the_page(server):
    request(server, "hello", HELLO)
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(request(server, "next", {"page": "1-2"})[1])
    )
    server._ended = True  # As `close` sets it, which then closes the server.
    thread.start()
    thread.join()
    assert json.loads(answers[0]) == {"end": True}
