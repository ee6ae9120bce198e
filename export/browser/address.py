"""Address: where a browser finds a server, as text and as a QR code."""

import importlib.util
import io
import socket

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Of the block for documentation: no packet is sent there.
SOMEWHERE = ("192.0.2.1", 9)


def address_of(host: str, port: int, path: str = "") -> str:
    """Returns the address of a page.

    Args:
        host: What the server listens at. If that is "0.0.0.0", the address names the
            one by which other machines of the network reach this one.
        port: The server's port.
        path: Path of the page, without the first slash.
    """
    return f"http://{_reachable(host)}:{port}/{path}"


def _reachable(host):
    if host not in ("0.0.0.0", "::", ""):
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(SOMEWHERE)  # Chooses the network card, and sends nothing.
            return asked.getsockname()[0]
        except OSError:  # No network at all.
            return "127.0.0.1"


def describe(address: str, host: str) -> str:
    """Returns a text that tells people which address to open.

    Args:
        address: What `address_of` returned.
        host: What the server listens at. Unless that is this machine alone, the text
            holds a QR code for phones, if the package segno is installed.
    """
    text = f"open {address}"
    if host in LOOPBACK:
        return text
    if not importlib.util.find_spec("segno"):
        return f"{text} (`pip install segno` shows it as a QR code)"
    import segno

    code = io.StringIO()
    segno.make(address, micro=False).terminal(code, compact=True)
    return f"{text}\n\n{code.getvalue()}"
