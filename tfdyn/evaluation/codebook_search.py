"""Search of a codebook: a few fixed routes, nested in depth, from a trained network."""

import numpy as np

from tfdyn.errors import UserError
from tfdyn.evaluation import static_routes
from tfdyn.evaluation.router_worth import RouterWorth
from tfdyn.models.routed_model import RoutedModel
from tfdyn.routing.route import RouteSpec


def routes_of(
    model: RoutedModel,
    worth: RouterWorth,
    thresholds: list,
    routes: int,
    size: int,
    least_cost: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the routes of a codebook, from the cheapest to the most expensive.

    Args:
        model: `RoutedModel`, trained.
        worth: Its `RouterWorth`.
        thresholds: Values of T at which the routes in use are tried first.
        routes: Largest number of routes to try.
        size: Largest number of routes to choose.
        least_cost: Each route costs at least this share of the most expensive.

    Returns:
        K flat routes `(K, branches)`, their costs divided by that of the last, and
        their accuracy on the validation images, both `(K,)`. The last is the most
        accurate of all that were measured.

    Raises:
        UserError: If no route is more accurate than the cheapest one.
    """
    runs, accuracy, costs = worth.try_static_routes(thresholds, routes)
    best = static_routes.frontier(accuracy, costs)
    if len(best) == 1 and size > 1:
        raise UserError(
            f"{model.name}: of {len(runs)} routes none is more accurate than the "
            f"cheapest one, so there is nothing to choose. Train it longer, or try "
            f"more --routes."
        )
    cheap, rich = (worth.with_weights(runs[best[end]]) for end in (0, -1))
    parts = [[op.name for op in part] for part in model.parts]
    spliced = splice(cheap, rich, parts, model.route_spec)
    accuracy = [worth.right("validation", each, "codebook").mean() for each in spliced]
    # A spliced route may be more accurate than the one with more of `rich`.
    spliced = spliced[: int(np.argmax(accuracy)) + 1]
    costs = np.array([worth.cost_of_static(route[None]) for route in spliced])
    kept = spread(costs, size, least_cost)
    routes = np.array([spliced[index] for index in kept])
    return routes, costs[kept] / costs[kept[-1]], np.array(accuracy)[kept]


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
