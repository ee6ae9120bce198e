"""Search of a codebook: a few fixed routes, nested in depth, from a trained network."""

import numpy as np

from tfdyn.errors import UserError
from tfdyn.routing.route import RouteSpec


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


def spread(costs: np.ndarray, count: int, least_cost: float) -> list[int]:
    """Returns routes that are spread evenly over a range of costs.

    Args:
        costs: Cost of each route, `(n,)`. The last one is taken.
        count: Largest number of routes.
        least_cost: Each costs at least this share of the last.

    Returns:
        List of indices, without repetition. Their costs rise.

    Raises:
        UserError: If more than one is asked for, and no other is allowed.
    """
    costs, last = np.asarray(costs), len(costs) - 1
    if count == 1:
        return [last]
    allowed = [
        index
        for index in range(last)
        if least_cost * costs[last] <= costs[index] < costs[last]
    ]
    if not allowed:
        raise UserError(
            f"--least_cost={least_cost}: no other route costs as much. Allow less, or "
            f"measure more --routes."
        )
    of_allowed = costs[allowed]
    wanted = np.linspace(of_allowed.min(), costs[last], count)[:-1]
    kept = {allowed[int(np.abs(of_allowed - cost).argmin())] for cost in wanted}
    unique = {costs[index]: index for index in kept | {last}}
    return [unique[cost] for cost in sorted(unique)]
