"""The file of a codebook: its routes and their costs."""

import numpy as np

from tfdyn.errors import UserError
from tfdyn.files import write_json
from tfdyn.reading import read_json
from tfdyn.routing.route import RouteSpec


def save(path, routes: np.ndarray, costs, spec: RouteSpec) -> None:
    """Writes the file of a codebook.

    Args:
        path: Path of the JSON file.
        routes: K flat routes, from the cheapest to the most expensive, `(K, branches)`.
        costs: The cost of each route, divided by that of the last one; K numbers.
        spec: `RouteSpec` of the network.
    """
    content = [
        {"cost": float(cost), "route": spec.to_json(route)}
        for route, cost in zip(routes, costs, strict=True)
    ]
    write_json(path, {"routes": content})


def is_ours(text: str) -> bool:
    """Returns whether a file that begins with this text is of a codebook."""
    return "".join(text.split()).startswith('{"routes":[{"cost":')


def load(path, spec: RouteSpec) -> tuple[np.ndarray, np.ndarray]:
    """Reads the file of a codebook.

    Args:
        path: Path of a JSON file that `save` wrote.
        spec: `RouteSpec` of the network.

    Returns:
        The routes `(K, branches)` and their costs `(K,)`, float32 arrays.

    Raises:
        UserError: If the file does not hold routes of this network.
        OSError: If the file cannot be read.
    """
    content = read_json(path, "a codebook", "Write it with python -m tfdyn.codebook.")
    try:
        entries = [(dict(e["route"]), float(e["cost"])) for e in content["routes"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{path} is no codebook: it needs routes, each with a route and a cost. "
            f"Write it anew with python -m tfdyn.codebook."
        ) from error
    routes = [spec.from_json(route, path) for route, _ in entries]
    costs = np.array([cost for _, cost in entries], "float32")
    return np.array(routes, "float32").reshape(len(routes), spec.size), costs
