"""Server: serves files to a browser with the types and headers that it needs."""

import contextlib
import errno
import http.server
import pathlib
import re
import socket
import threading

from tfdyn.errors import UserError

# Without these two the browser gives a page neither fine clocks nor threads. At other
# addresses than those of this machine it ignores them over http, with an error.
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
TRUSTED = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?")
HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
}
# Seconds after which a client that sends nothing is left.
SILENCE = 60


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the files of a folder, without lists of them and without a log."""

    extensions_map = {**TYPES, "": "application/octet-stream"}
    server_version, sys_version = "tfdyn", ""
    protocol_version, timeout = "HTTP/1.1", SILENCE

    def end_headers(self):
        """Adds `HEADERS` to every answer, and `ISOLATION` where that is of use."""
        host = (getattr(self, "headers", None) or {}).get("Host", "")
        isolation = ISOLATION if TRUSTED.fullmatch(host) else {}
        for name, value in {**HEADERS, **isolation}.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path):
        """Refuses a folder without an index.html."""
        self.send_error(404)

    def log_message(self, format, *args):
        """Prints nothing: a page loads dozens of files."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # On Windows two servers could share a port.
    allow_reuse_address = not hasattr(socket, "SO_EXCLUSIVEADDRUSE")

    def handle_error(self, request, client_address):
        """Prints nothing where a browser hangs up: it may at any time."""

    def server_bind(self):  # The base class asks a name server, which may take long.
        http.server.socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


def open_server(make_handler, host: str, port: int) -> http.server.ThreadingHTTPServer:
    """Opens a server that does not run yet.

    Args:
        make_handler: Class of the handler, or a function that makes one.
        host: Address to listen at, such as "127.0.0.1". "0.0.0.0": all of the machine.
        port: Port, or 0 for any that is free.

    Raises:
        UserError: If the port is in use or not allowed, or the machine has no such
            address.
    """
    try:
        return _Server((host, port), make_handler)
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            raise UserError(
                f"--port={port} is in use on {host}: another program listens there. "
                f"End it, or name another port."
            ) from error
        if number in (errno.EACCES, errno.EPERM):
            raise UserError(
                f"--port={port} may not be used by this user: name one from 1024 to "
                f"65535."
            ) from error
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"--host={host} is no address of this machine ({reason}): use 127.0.0.1, "
            f"or 0.0.0.0 for all its addresses."
        ) from error


def for_folder(folder: pathlib.Path):
    """Returns a function that makes a `Handler` of a folder's files.

    Args:
        folder: Path of the folder.
    """

    def make(*arguments):
        return Handler(*arguments, directory=str(folder))

    return make


@contextlib.contextmanager
def running(server: http.server.ThreadingHTTPServer):
    """Returns a context in which a server runs, in a thread of its own.

    Args:
        server: What `open_server` returned. It is closed at the end.
    """
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
