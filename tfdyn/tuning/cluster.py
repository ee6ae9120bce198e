"""The part of this process in a search: alone, the chief, or a worker.

keras-tuner reads it from the environment, as a cluster sets it.
"""

import os

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
