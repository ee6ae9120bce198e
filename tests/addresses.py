"""Addresses of this machine that no process listens on."""

import socket


def free_addresses(count: int = 2) -> list[str]:
    """Returns different addresses, such as "localhost:40000"."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    addresses = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses
