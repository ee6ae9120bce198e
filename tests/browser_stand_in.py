"""A page's part for tests: it says hello, and has a time for every network."""

import contextlib
import http.client
import json
import threading
import urllib.parse

HELLO = {
    "page": "1-2",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36",
    "platform": "Linux",
    "cores": 4,
    "most_threads": 4,
    "isolated": True,
    "clock_step_us": 5.0,
    "build": "relaxed",
}


class Page:
    """Works for the server at an address in a thread, as the page does.

    Args:
        address: Address of the page.
        milliseconds: Function that takes a job and returns its time.
        jobs: Number of jobs after which it falls silent, or `None`.
        **hello: What it says of itself, where that differs from `HELLO`.
    """

    def __init__(self, address, milliseconds, jobs=None, **hello):
        self._url = urllib.parse.urlsplit(address)
        self._hello, self._milliseconds, self._left = hello, milliseconds, jobs
        self.done = []
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def join(self):
        self._thread.join(10)

    def _post(self, name, content):
        connection = http.client.HTTPConnection(self._url.netloc, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", self._url.path + name, json.dumps(content))
            return json.loads(connection.getresponse().read())

    def _work(self):
        with contextlib.suppress(OSError):
            self._post("hello", {**HELLO, **self._hello})
            page = {"page": HELLO["page"]}
            while self._left is None or len(self.done) < self._left:
                job = self._post("next", page)
                if job.get("end"):
                    return
                if job:
                    self.done.append(job)
                    ms = self._milliseconds(job)
                    self._post("result", {**page, "id": job["id"], "milliseconds": ms})
