"""Search of a codebook: a few fixed routes, nested in depth, from a trained network."""

import numpy as np

from tfdyn.errors import UserError
from tfdyn.evaluation import static_routes
from tfdyn.routing.route import RouteSpec


def find_ends(
    accuracy: np.ndarray, costs: np.ndarray, least_cost: float
) -> tuple[int, int]:
    """Finds the first and the last route of a codebook among measured routes.

    Args:
        accuracy: Accuracy of each route on validation images, `(n,)`.
        costs: Cost of each route, `(n,)`.
        least_cost: The first route costs at most this share of the last.

    Returns:
        Two indices: of the most accurate route that is cheap enough, and of the most
        accurate of all.

    Raises:
        UserError: If no route is cheap enough.
    """
    kept = static_routes.frontier(accuracy, costs)
    last = kept[-1]
    cheap = [index for index in kept if costs[index] <= least_cost * costs[last]]
    if not cheap:
        raise UserError(
            f"--least_cost={least_cost}: the cheapest good route costs "
            f"{min(costs[kept]) / costs[last]:.2f} of the most accurate one. Allow "
            f"more, or measure more --routes."
        )
    return cheap[-1], last


def splice(
    cheap: np.ndarray, rich: np.ndarray, parts: list[list[str]], spec: RouteSpec
) -> list[np.ndarray]:
    """Returns routes that are like one route at first and like another afterwards.

    The choice between two of them can wait until the place where they become
    different.

    Args:
        cheap: Flat route `(branches,)` after the place of the change.
        rich: Flat route `(branches,)` before it.
        parts: For each part of the network the names of its MixedOps.
        spec: `RouteSpec` of the network.

    Returns:
        List of the different flat routes, from `cheap` to `rich`.
    """
    by_name = {"cheap": spec.split(cheap), "rich": spec.split(rich)}
    routes = {}
    for change in range(len(parts) + 1):
        route = {
            name: by_name["rich" if index < change else "cheap"][name]
            for index, names in enumerate(parts)
            for name in names
        }
        flat = spec.flatten(route)
        routes[flat.tobytes()] = flat
    return list(routes.values())


def spread(costs: np.ndarray, count: int) -> list[int]:
    """Returns routes that are spread evenly over the range of costs.

    Args:
        costs: Cost of each route, `(n,)`; the first and the last are taken.
        count: Largest number of routes.

    Returns:
        List of indices, without repetition. Their costs rise.
    """
    costs = np.asarray(costs)
    wanted = np.linspace(costs[0], costs[-1], count)
    chosen = {int(np.abs(costs - cost).argmin()) for cost in wanted}
    chosen = sorted(chosen | {0, len(costs) - 1}, key=lambda index: costs[index])
    rising = [chosen[0]]
    for index in chosen[1:]:
        if costs[index] > costs[rising[-1]]:
            rising.append(index)
    return rising
