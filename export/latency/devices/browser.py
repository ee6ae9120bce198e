"""Browser: times `.tflite` files in a browser, of this machine or a phone."""

import base64
import contextlib
import pathlib
import re
import tempfile
import time

import numpy as np

from export.browser import address, chromium, litert_js
from export.interpreter import Interpreter, check_num_threads
from export.latency.devices.adb_process import DeviceError
from export.latency.devices.browser_server import BrowserServer
from export.latency.devices.checks import check_run
from tfdyn import output
from tfdyn.errors import UserError

# Names in a user agent, the most special first, and what they are called.
KINDS = {
    "Edg": "edge",
    "OPR": "opera",
    "SamsungBrowser": "samsung",
    "Firefox": "firefox",
    "FxiOS": "firefox",
    "CriOS": "chrome",
    "Chrome": "chrome",
    "Safari": "safari",
}
SYSTEMS = {
    "iPhone": "iphone",
    "iPad": "ipad",
    "Android": "android",
    "Windows": "windows",
    "Macintosh": "mac",
    "Linux": "linux",
}


class Browser:
    """Times files in a browser, by LiteRT.js.

    The server listens from the begin, and the constructor waits until a browser has
    opened its page. `close` ends both.

    Args:
        name: Name of the device, or `None` for one made of the browser's and system's.
        program: Path of a headless browser to start, or `None` to wait for a browser
            that a person opens.
        host: Address to listen at.
        port: Port, or 0 for any.
        packages: As for `export.browser.litert_js.copy_runtime`.
        timeout_s: Longest time in seconds that one file, or a browser that was started
            here, may take.
        num_threads: Threads that networks will run with.
        say: Function that prints a text.

    Attributes:
        name: "browser-" and the name.

    Raises:
        UserError: If the port is in use, LiteRT.js cannot be had, or the program does
            not run.
        DeviceError: If the browser that was started ends.
        TimeoutError: If it does not open the page.
    """

    def __init__(
        self,
        name: str | None = None,
        program: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        packages: str | None = None,
        timeout_s: float = 120,
        num_threads: int = 1,
        say=print,
    ):
        check_num_threads(num_threads)
        if name is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
            raise UserError(
                f"--device=browser:NAME is for names of letters, digits, - and _; got "
                f"{name!r}."
            )
        self._timeout_s, self._threads, self._process = timeout_s, num_threads, None
        self._sessions = 0
        self._stack = contextlib.ExitStack()
        try:
            folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            folder = pathlib.Path(self._stack.enter_context(folder))
            self._server = BrowserServer(host, port, packages, num_threads, folder)
            self._stack.callback(self._server.close)
            where = address.address_of(host, self._server.port, self._server.path)
            if program:
                self._process = self._stack.enter_context(
                    chromium.headless(program, where)
                )
            else:
                say(f"to time in a browser, {address.describe(where, host)}")
            self._browser = self._server.wait_for_browser(self._check)
            self.check_threads(num_threads)
        except BaseException:
            self._stack.close()
            raise
        self.name = f"browser-{name or name_of(self._browser['user_agent'])}"

    def close(self) -> None:
        """Lets the page end, closes the server and ends a browser that was started."""
        self._stack.close()

    def describe(self) -> dict:
        """Returns the browser and its clock, a dict ready for JSON."""
        browser = self._browser
        return {
            "device": self.name,
            "browser": version_of(browser["user_agent"]),
            "user_agent": browser["user_agent"],
            "system": browser["platform"],
            "cores": browser["cores"],
            "isolated": browser["isolated"],
            "clock_step_us": browser["clock_step_us"],
            "build": browser["build"],
            "litert_js": litert_js.VERSION,
        }

    def check_threads(self, num_threads: int) -> None:
        """Checks a number of threads.

        Raises:
            UserError: If the browser does not have so many, or its page was opened for
                another number.
        """
        most = self._browser["most_threads"]
        if num_threads > most:
            raise UserError(
                f"--num_threads={num_threads}, but this browser has {most} on this "
                f"page: several need an isolated page, from https:// or this machine, "
                f"and relaxed SIMD. Use --num_threads={most}."
            )
        if num_threads != self._threads:
            raise UserError(
                f"The page was opened for {self._threads} threads, not {num_threads}: "
                f"name --num_threads={num_threads}."
            )

    @contextlib.contextmanager
    def session(self, files: dict, inputs: dict[str, dict], num_threads: int = 1):
        """Offers files to the page, and yields a function that times them there.

        Args:
            files: Mapping from names to paths of `.tflite` files.
            inputs: Mapping from the same names to mappings from names of inputs to
                arrays of the inputs' shapes. Axes of size 1 may be left out. Inputs
                and names that are left out are zeros.
            num_threads: Number of threads, that of the constructor.

        Yields:
            A function `measure(name, runs=50)`. It runs the file of a name at least
            `runs` times, in batches that are long enough for the browser's clock, and
            returns the median time of a run in ms.

        Raises:
            UserError: If a file is missing or broken, or a name of a file or input is
                unknown.
            DeviceError: If the browser cannot run a file, or a browser that was
                started here ends.
            TimeoutError: If the page is silent for `timeout_s`.
        """
        self.check_threads(num_threads)
        paths = list(dict.fromkeys(map(pathlib.Path, files.values())))
        # The page keeps what it fetched: no two sessions may share a name.
        self._sessions += 1
        names = {path: f"{self._sessions}-{i}.tflite" for i, path in enumerate(paths)}
        shapes = {path: _inputs(path) for path in paths}
        self._server.offer({name: path for path, name in names.items()})

        def measure(name, runs=50):
            check_run(name, files, runs)
            path = pathlib.Path(files[name])
            job = {
                "name": name,
                "file": names[path],
                "runs": runs,
                "threads": num_threads,
                "inputs": _encode(path, shapes[path], inputs.get(name, {})),
            }
            return self._server.ask(job, self._check)

        try:
            yield measure
        finally:
            self._server.offer({})

    def _check(self):
        """Raises an error if the browser has ended or is silent."""
        silent = time.monotonic() - self._server.last_seen
        if self._process and self._process.poll() is not None:
            raise DeviceError(
                f"The browser ended (status {self._process.returncode}): check that "
                f"it runs, or leave out --browser and open the address in another one."
            )
        waits_for_person = self._server.browser is None and not self._process
        if silent > self._timeout_s and not waits_for_person:
            raise TimeoutError(
                f"The browser has not answered for {self._timeout_s:g} seconds: keep "
                f"its page in front and the screen on. --timeout allows it more."
            )


def name_of(user_agent: str) -> str:
    """Returns a short name of a browser and its system, such as "chrome-android"."""
    kind = next((name for key, name in KINDS.items() if f"{key}/" in user_agent), "")
    system = next((name for key, name in SYSTEMS.items() if key in user_agent), "")
    return "-".join(filter(None, (kind, system))) or "unknown"


def version_of(user_agent: str) -> str:
    """Returns the name and version of a browser, such as "chrome 156"."""
    for key, name in KINDS.items():
        if match := re.search(rf"{key}/(\d+)", user_agent):
            safari = (
                re.search(r"Version/(\d+)", user_agent) if name == "safari" else None
            )
            return f"{name} {(safari or match)[1]}"
    return "unknown"


def _inputs(path):
    with output.quiet():  # LiteRT prints which delegate it uses.
        return Interpreter(path).inputs


def _encode(path, zeros, arrays):
    """Returns inputs as the page takes them, after a check of their names."""
    encoded = {}
    for name, value in arrays.items():
        if name not in zeros:
            raise UserError(
                f"{path} has the inputs {', '.join(zeros)}; got {name}. Pass one of "
                f"them."
            )
        like = zeros[name]
        array = np.ascontiguousarray(np.asarray(value, like.dtype).reshape(like.shape))
        text = base64.b64encode(array.tobytes()).decode()
        encoded[name] = {"dtype": str(like.dtype), "base64": text}
    return encoded
