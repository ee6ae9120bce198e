"""Provenance of latency tables: what validations read in it, checked."""

import reprlib

from export.graph.form import PRECISIONS
from export.interpreter import MOST_THREADS
from tfdyn.costs.cost_table import CostTable, is_number
from tfdyn.costs.table_precision import precision_of
from tfdyn.errors import UserError


def check_device(table: CostTable, device) -> None:
    """Checks that a table was measured on a device of this name.

    Args:
        table: Latency table, as `latency_table.compose` returns it.
        device: `Host`, `Adb` or `Browser`.

    Raises:
        UserError: If it was not.
    """
    there = table.provenance.get("device", {"device": device.name})
    there = there.get("device", device.name) if isinstance(there, dict) else there
    if there != device.name:
        raise UserError(
            f"{table.name} is of the device {there}, not of {device.name}: name "
            f"another --output, or another --device."
        )


def saved_by_forcing(table: CostTable, modules: list) -> float:
    """Returns the ms that a route as an input saves: routers and selection.

    Args:
        table: Latency table, as `compose` returns it.
        modules: List of all `Module`s of the network.

    Raises:
        UserError: If the table's provenance has no time of the selection.
    """
    if not is_number(table.provenance.get("selection")):
        raise UserError(
            f"{table.name} is not one of `python -m export.latency`: its provenance "
            f"has no number `selection`. Make a table with that command."
        )
    routers = sum(table.cost(module) for module in modules if module.kind == "router")
    return routers + table.provenance["selection"]


def times_of_routes(table: CostTable) -> dict[str, float]:
    """Returns the times of the routes from which a table was made.

    Args:
        table: Latency table, as `compose` returns it.

    Returns:
        Mapping from names of probes to ms. Empty if the table does not have them.

    Raises:
        UserError: If the table's provenance has something else in their place.
    """
    routes = table.provenance.get("routes", {})
    is_mapping = isinstance(routes, dict)
    if not is_mapping or not all(is_number(ms) and ms > 0 for ms in routes.values()):
        raise UserError(
            f"{table.name}: `routes` in its provenance are no times above 0. Make the "
            f"table anew with `python -m export.latency`."
        )
    return routes


def known_precision(table: CostTable) -> str:
    """Returns the precision of the files that a table was measured with.

    Args:
        table: Latency table, as `compose` returns it.

    Raises:
        UserError: If there is no such precision.
    """
    precision = precision_of(table)
    if precision not in PRECISIONS:
        raise UserError(
            f"{table.name}: `precision` in its provenance is {precision!r}, not one of "
            f"{', '.join(PRECISIONS)}. Make the table anew with `python -m "
            f"export.latency`."
        )
    return precision


def num_threads_of(table: CostTable) -> int:
    """Returns the number of threads that a table was measured with.

    Args:
        table: Latency table, as `compose` returns it.

    Raises:
        UserError: If the table's provenance does not have it.
    """
    threads = table.provenance.get("num_threads", 1)
    whole = isinstance(threads, int) and is_number(threads)
    if not whole or not 1 <= threads <= MOST_THREADS:
        raise UserError(
            f"{table.name}: `num_threads` in its provenance is "
            f"{reprlib.repr(threads)}, not a whole number from 1 to {MOST_THREADS}. "
            f"Make the table anew with `python -m export.latency`."
        )
    return threads
