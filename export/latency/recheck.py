"""Recheck: times a few of a table's own routes again, to see whether it still holds."""

import pathlib
import tempfile

import numpy as np

from export.latency import probes, provenance
from export.latency.precision import FLOAT32, Precision
from export.latency.timed_routes import time_routes
from export.latency.validation import compare
from export.source import Source
from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError

# Number of the table's routes that are timed, and the bounds of the rounds.
ROUTES, ROUNDS = 4, (6, 12)


def recheck(
    source: Source,
    device,
    table: CostTable,
    image: np.ndarray,
    precision: Precision = FLOAT32,
) -> dict:
    """Times a few of a table's own routes again. Takes seconds.

    Args:
        source: `Source` of the network.
        device: `Host`, `Adb` or `Browser`.
        table: Latency table, as `latency_table.compose` returns it.
        image: uint8 image `(height, width, channels)`.
        precision: `Precision` of the table.

    Returns:
        What `export.latency.validation.compare` returns for the times of then and now,
        and `then_ms` and `now_ms`, which map the names of the routes to medians.

    Raises:
        UserError: If the table is not one of `python -m export.latency`, or is of
            another device or network; and as from the device's session.
        OSError: As from the device's session.
    """
    provenance.check_device(table, device)
    RouteCost(source.model.modules, table)  # Refuses a table of another network.
    then = provenance.times_of_routes(table)
    routes = {n: r for n, r in probes.random_routes(source.model).items() if n in then}
    if not routes:
        raise UserError(
            f"{table.name} has no times of routes in its provenance, so that none can "
            f"be timed again. Make the table anew with `python -m export.latency`."
        )
    names = [list(routes)[i] for i in _spread(len(routes))]
    inputs = {name: {"image": image, "route": routes[name]} for name in names}
    with tempfile.TemporaryDirectory() as folder:
        threads = provenance.num_threads_of(table)
        folder = pathlib.Path(folder)
        times = time_routes(
            *(source, device, inputs, folder, threads, ROUNDS), precision=precision
        )
    now = {name: float(np.median(times[name])) for name in names}
    then = {name: then[name] for name in names}
    result = compare(np.array(list(then.values())), np.array(list(now.values())))
    return {**result, "then_ms": then, "now_ms": now}


def _spread(count):
    """Returns the indices of a few routes, from the cheapest to the most expensive."""
    return sorted(set(np.linspace(0, count - 1, ROUTES).round().astype(int).tolist()))
