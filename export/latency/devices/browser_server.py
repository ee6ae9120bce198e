"""Browser server: gives work to a page in a browser, and takes its results."""

import contextlib
import json
import pathlib
import posixpath
import queue
import secrets
import threading
import time
import urllib.parse

from export.browser import litert_js
from export.browser.server import Handler, open_server, running
from export.latency.devices.adb_process import DeviceError

PAGE = pathlib.Path(__file__).with_name("templates")
# Most bytes of a post: results are short.
LARGEST_POST = 16_384
# Seconds after which a page that waits for work asks again.
POLL_SECONDS = 10.0


class BrowserServer:
    """Serves a page at an address that nobody can guess, and hands it work.

    Only requests below that address are answered. Of several pages that open it, the
    last one works: a page that was reloaded takes the place of the former.

    Args:
        host: Address to listen at.
        port: Port, or 0 for any.
        packages: As for `export.browser.litert_js.copy_runtime`.
        threads: Threads with which the page will run networks.
        folder: Empty folder for what is served.

    Attributes:
        port: The port.
        path: Path of the page, which holds the secret.
        browser: What the page said of its browser, a dict, or `None` before.
        last_seen: `time.monotonic()` of the last request of the page that works.

    Raises:
        UserError: If the port is in use, or LiteRT.js cannot be had.
    """

    def __init__(self, host, port, packages, threads, folder: pathlib.Path):
        self.path = f"{secrets.token_urlsafe(12)}/"
        self.browser, self.last_seen = None, time.monotonic()
        self._page, self._files = None, {}
        self._job, self._ended, self._count = None, False, 0
        self._results, self._changed = queue.Queue(), threading.Condition()
        self._stack = contextlib.ExitStack()
        server = open_server(self._handler(folder), host, port)
        self._stack.callback(server.server_close)
        builds = ("relaxed", "compat") if threads == 1 else ("threaded",)
        litert_js.copy_runtime(folder / "litert", packages, builds)
        for name in ("runtime.js", "timing.js"):
            (folder / name).write_bytes((litert_js.TEMPLATES / name).read_bytes())
        for path in PAGE.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / "settings.json").write_text(json.dumps({"threads": threads}))
        self.port = server.server_port
        self._stack.enter_context(running(server))

    def close(self) -> None:
        """Lets the page end, and closes the server."""
        with self._changed:
            asked = self.browser is not None and not self._ended
            self._ended = True
            self._changed.notify_all()
        if asked:
            time.sleep(0.3)  # So that the page hears of it.
        self._stack.close()

    def wait_for_browser(self, check) -> dict:
        """Waits until a page has said which browser it is in, and returns that.

        Args:
            check: Function that is called again and again, and may raise an error.
        """
        with self._changed:
            while self.browser is None:
                check()
                self._changed.wait(0.2)
            return self.browser

    def offer(self, files: dict) -> None:
        """Sets the files that may be fetched.

        Args:
            files: Mapping from names, such as "0.tflite", to paths.
        """
        self._files = files

    def ask(self, job: dict, check) -> float:
        """Lets the page time a network.

        Args:
            job: What the page must know, a dict ready for JSON.
            check: Function that is called again and again, and may raise an error.

        Returns:
            The ms of a run.

        Raises:
            DeviceError: If the page could not run the network.
        """
        with self._changed:
            self._count += 1
            identity, self._job = self._count, {**job, "id": self._count}
            self.last_seen = time.monotonic()
            self._changed.notify_all()
        try:
            while True:
                check()
                with contextlib.suppress(queue.Empty):
                    result = self._results.get(timeout=0.2)
                    if result["id"] == identity:
                        break
        finally:
            with self._changed:
                self._job = None
        if "error" in result:
            raise DeviceError(
                f"The browser could not run {job['name']}: {result['error']}"
            )
        return result["milliseconds"]

    def say_hello(self, content: dict) -> dict:
        """Takes note of a page, which from then on is the one that works."""
        with self._changed:
            self._page = content.pop("page")
            self.browser, self.last_seen = content, time.monotonic()
            self._changed.notify_all()
        return {}

    def next_job(self, content: dict) -> dict:
        """Returns the next job of a page, waits for one, or ends the page."""
        end = time.monotonic() + POLL_SECONDS
        with self._changed:
            while self._is_working(content) and not self._ended:
                self.last_seen = time.monotonic()
                if self._job is not None or time.monotonic() > end:
                    return self._job or {}
                self._changed.wait(0.5)
        return {"end": True}

    def take_result(self, content: dict) -> dict:
        """Takes the result of a page, if that is the page that works."""
        with self._changed:
            if self._is_working(content):
                self.last_seen = time.monotonic()
                if self._job is not None and content["id"] == self._job["id"]:
                    self._job = None  # Or the page would get it once more.
                    self._results.put(content)
        return {}

    def _is_working(self, content):
        return content["page"] == self._page

    def _handler(self, folder):
        def make(*arguments):
            return _Handler(self, folder, *arguments)

        return make

    def file(self, name: str) -> pathlib.Path | None:
        """Returns the path of a file to time, or `None`."""
        return self._files.get(name)


class _Handler(Handler):
    """Answers below the secret path only."""

    def __init__(self, owner, folder, *arguments):
        self._owner = owner
        super().__init__(*arguments, directory=str(folder))

    def do_GET(self):
        if self._is_ours():
            super().do_GET()

    def do_HEAD(self):
        if self._is_ours():
            super().do_HEAD()

    def do_POST(self):
        if not self._is_ours():
            return
        actions = {
            "/hello": (self._owner.say_hello, _hello),
            "/next": (self._owner.next_job, _page_name),
            "/result": (self._owner.take_result, _result),
        }
        length = self.headers.get("Content-Length", "")
        if self.path not in actions:
            self._refuse(404, "There is no such action.")
        elif not length.isdigit() or int(length) > LARGEST_POST:
            self._refuse(413, f"A post has at most {LARGEST_POST} bytes.")
        else:
            action, check = actions[self.path]
            try:
                content = check(json.loads(self.rfile.read(int(length))))
            except (ValueError, TypeError, KeyError, RecursionError):
                self._refuse(400, "This is no post of the page.")
                return
            self._answer(200, json.dumps(action(content)), "application/json")

    def translate_path(self, path):
        """Returns the path of one of the offered files, or of one of the page."""
        name = posixpath.basename(urllib.parse.urlsplit(path).path)
        return str(self._owner.file(name) or super().translate_path(path))

    def _is_ours(self):
        """Removes the secret from the path, or refuses the request."""
        secret = f"/{self._owner.path}"
        if secrets.compare_digest(self.path[: len(secret)].encode(), secret.encode()):
            self.path = self.path[len(secret) - 1 :]
            return True
        self._refuse(404, "Open the whole address that the command printed.")
        return False

    def _refuse(self, status, text):
        self.close_connection = True  # The rest of a post was not read.
        self._answer(status, text, "text/plain; charset=utf-8")

    def _answer(self, status, text, kind):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _page_name(content):
    return {"page": _text(content["page"], 40)}


def _hello(content):
    cores, threads = content["cores"], content["most_threads"]
    step, isolated = content["clock_step_us"], content["isolated"]
    if not (cores is None or 1 <= cores <= 4096) or not 1 <= (threads or 1) <= 4096:
        raise ValueError("cores")
    if not 0 < step <= 1e6 or not isinstance(isolated, bool):
        raise ValueError("clock")
    names = {"user_agent": 400, "platform": 60, "build": 20}
    return {
        **_page_name(content),
        **{name: _text(content[name], longest) for name, longest in names.items()},
        "cores": cores and int(cores),
        "most_threads": int(threads or 1),
        "isolated": isolated,
        "clock_step_us": float(step),
    }


def _result(content):
    result = {**_page_name(content), "id": int(content["id"])}
    if "error" in content:
        return {**result, "error": _text(content["error"], 500)}
    milliseconds = float(content["milliseconds"])
    if not 0 < milliseconds < 1e9:
        raise ValueError("milliseconds")
    return {**result, "milliseconds": milliseconds}


def _text(value, longest):
    """Returns a text of the page without what a terminal would obey."""
    if not isinstance(value, str):
        raise TypeError("text")
    return "".join(letter for letter in value[:longest] if letter.isprintable())
