"""The file of a codebook: its network, its routes and their costs."""

import re

import numpy as np

from tfdyn.errors import UserError
from tfdyn.files import write_json
from tfdyn.reading import read_json
from tfdyn.routing.route import RouteSpec

MEND = "Write it with `python -m tfdyn.codebook`."


def save(path, routes: np.ndarray, costs, spec: RouteSpec, network: str) -> None:
    """Writes the file of a codebook.

    Args:
        path: Path of the JSON file.
        routes: K flat routes, from the cheapest to the most expensive, `(K, branches)`.
        costs: The cost of each route, divided by that of the last one; K numbers.
        spec: `RouteSpec` of the network.
        network: Name of the network.
    """
    content = [
        {"cost": float(cost), "route": spec.to_json(route)}
        for route, cost in zip(routes, costs, strict=True)
    ]
    write_json(path, {"network": network, "routes": content})


def is_ours(text: str) -> bool:
    """Returns whether a file that begins with this text is of a codebook."""
    beginning = r'\{("network":"[^"]*",)?"routes":\[\{"cost":'
    return re.match(beginning, "".join(text.split())) is not None


def load(path, spec: RouteSpec, network: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads the file of a codebook.

    Costs do not fit another network, even where the names of its routes do. A file from
    before it had the name of its network is read too.

    Args:
        path: Path of a JSON file that `save` wrote.
        spec: `RouteSpec` of the network.
        network: Name of the network.

    Returns:
        The routes `(K, branches)` and their costs `(K,)`, float32 arrays.

    Raises:
        UserError: If the file does not hold routes of this network.
        OSError: If the file cannot be read.
    """
    content = read_json(path, "a codebook", MEND)
    theirs = content.get("network", network)
    if not isinstance(content.get("routes"), list) or not isinstance(theirs, str):
        raise UserError(
            f"{path} is not a codebook: it needs a list of `routes`, and the name of "
            f"their `network`. {MEND}"
        )
    if theirs != network:
        raise UserError(
            f"{path} is a codebook of the network {theirs}, and its costs do not fit "
            f"{network}. Pass --network={theirs}, or write one of a run of {network} "
            f"with `python -m tfdyn.codebook`."
        )
    routes, costs = [], []
    for number, entry in enumerate(content["routes"], 1):
        try:
            route, cost = dict(entry["route"]), float(entry["cost"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise UserError(
                f"{path} is not a codebook: its route {number} lacks a `route`, or a "
                f"number as its `cost`. {MEND}"
            ) from error
        unknown = [name for name in route if name not in spec.branches]
        if unknown:
            raise UserError(
                f"{path} is a codebook of another network: its route {number} names "
                f"{unknown[0]!r}, which {network} does not have. Write one of a run of "
                f"{network} with `python -m tfdyn.codebook`."
            )
        routes.append(spec.from_json(route, f"Route {number} of {path}"))
        costs.append(cost)
    routes = np.array(routes, "float32").reshape(len(routes), spec.size)
    return routes, np.array(costs, "float32")
