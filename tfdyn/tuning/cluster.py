"""The part of this process in a search: alone, the chief, or a worker.

keras-tuner reads it from the environment, as a cluster sets it.
"""

import contextlib
import os
import socket

from tfdyn.errors import UserError

ADDRESS = ("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "KERASTUNER_TUNER_ID")


def role(environment=os.environ) -> str:
    """Returns "alone", "chief" or "worker".

    Args:
        environment: Mapping of the environment variables.

    Raises:
        UserError: If only some of the three variables are set, or the port is none.
    """
    values = {name: environment.get(name) for name in ADDRESS}
    missing = [name for name, value in values.items() if not value]
    if len(missing) == len(ADDRESS):
        return "alone"
    if missing:
        raise UserError(
            f"{', '.join(missing)} is not set: a search on several machines needs "
            f"{', '.join(ADDRESS)} in the chief (whose ID is chief) and in each worker "
            f"(each with an ID of its own). Set them all, or none."
        )
    port = values["KERASTUNER_ORACLE_PORT"]
    if not (port.isdecimal() and 0 < int(port) < 65536):
        raise UserError(
            f"KERASTUNER_ORACLE_PORT={port} is no port: set a number from 1 to 65535."
        )
    return "chief" if "chief" in values["KERASTUNER_TUNER_ID"] else "worker"


def address(environment=os.environ) -> str:
    """Returns where the chief listens, as HOST:PORT."""
    return ":".join(environment[name] for name in ADDRESS[:2])


@contextlib.contextmanager
def answering_chief(part: str):
    """Returns a context in which a lost chief is an error of one line.

    Args:
        part: What `role` returned.

    Raises:
        UserError: If a worker gets no answer from the chief.
    """
    try:
        yield
    except Exception as error:
        of_grpc = type(error).__module__.partition(".")[0] == "grpc"
        if part == "worker" and of_grpc:
            raise UserError(
                f"The chief does not answer at {address()}. Start it again, "
                f"then this worker: both resume where they were."
            ) from error
        raise


def check_port(environment=os.environ) -> None:
    """Checks that the chief can listen.

    Two chiefs could: the system would share the workers' calls out between them.

    Args:
        environment: Mapping of the environment variables.

    Raises:
        UserError: If the port is in use, or the address is not of this machine.
    """
    host, port = (environment[name] for name in ADDRESS[:2])
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise UserError(
                f"The chief cannot listen at {host}:{port} ({error.strerror}): set "
                f"KERASTUNER_ORACLE_IP to an address of its machine, and "
                f"KERASTUNER_ORACLE_PORT to a free port."
            ) from error
