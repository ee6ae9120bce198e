"""Random routes: drawn to time a network, or to compare its router with chance."""

from collections.abc import Callable

import numpy as np

from tfdyn.errors import UserError
from tfdyn.routing.route import RouteSpec


def random_routes(
    spec: RouteSpec, count: int, branches_per_connection: float, seed: int = 0
) -> np.ndarray:
    """Draws random routes, with a mean number of branches that run in each MixedOp.

    With a number between n and n + 1, each MixedOp runs n or n + 1 branches, at random,
    but never fewer than its entry of `spec.least_branches`, nor more than it has.

    Args:
        spec: `RouteSpec` of the network.
        count: Number of routes.
        branches_per_connection: Mean number of branches that run in a MixedOp.
        seed: Seed of the draw.

    Returns:
        Flat routes `(count, branches of all MixedOps)`, float32. The weights of a
        MixedOp are random and sum to 1. In a binary network they are 0 or 1.

    Raises:
        UserError: If the network has no route with so few or so many branches.
    """
    fewest, most = _bounds(spec)
    if not fewest <= branches_per_connection <= most:
        raise UserError(
            f"The mean number of branches a connection must be between {fewest} and "
            f"{most} in this network; got {branches_per_connection:g}."
        )
    generator = np.random.default_rng(seed)
    routes = []
    for _ in range(count):
        parts = []
        for size, least in zip(spec.sizes, spec.least_branches, strict=True):
            whole, fraction = divmod(branches_per_connection, 1)
            runs = max(least, int(whole) + (generator.random() < fraction))
            runs = min(runs, size)
            running = generator.permutation(size)[:runs]
            weights = np.zeros(size, "float32")
            weights[running] = 1.0
            if runs > 1 and not spec.binary:
                weights[running] = generator.dirichlet(np.ones(runs))
            parts.append(weights)
        routes.append(np.concatenate(parts))
    return np.stack(routes)


def spread_routes(spec: RouteSpec, count: int, seed: int = 0) -> list[np.ndarray]:
    """Draws random routes from the fewest branches that may run up to all branches.

    Args:
        spec: `RouteSpec` of the network.
        count: Number of routes.
        seed: Seed of the draw.

    Returns:
        A list of flat routes `(branches of all MixedOps,)`, from few branches to all.
    """
    numbers = np.linspace(*_bounds(spec), count).tolist()
    return [random_routes(spec, 1, n, seed + i)[0] for i, n in enumerate(numbers)]


def draw_for_cost(
    spec: RouteSpec,
    costs: Callable[[np.ndarray], np.ndarray],
    mean: float,
    count: int,
    seed: int = 0,
) -> np.ndarray:
    """Draws random routes with a given mean cost.

    Each branch runs with the same probability. If no branch of a MixedOp does, but one
    must, the one with the smallest random number runs.

    Args:
        spec: `RouteSpec` of the network.
        costs: Function that returns the costs `(n,)` of flat routes `(n, branches of
            all MixedOps)`.
        mean: Mean cost of the routes, in the unit of `costs`. If no such routes exist,
            the cheapest or all branches run.
        count: Number of routes.
        seed: Seed of the draw.

    Returns:
        Flat routes `(count, branches of all MixedOps)`, float32, of weights 0 and 1.
    """
    uniform = np.random.default_rng(seed).random((count, spec.size))
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        if costs(_draw(spec, uniform, middle)).mean() < mean:
            low = middle
        else:
            high = middle
    return _draw(spec, uniform, high)


def _draw(spec, uniform, probability):
    parts = []
    for least, numbers in zip(
        spec.least_branches, spec.split(uniform).values(), strict=True
    ):
        runs = numbers < probability
        # Those with the smallest numbers run, if more must.
        ranks = numbers.argsort(axis=1).argsort(axis=1)
        parts.append(runs | (ranks < least))
    return np.concatenate(parts, axis=1).astype("float32")


def _bounds(spec):
    """Returns the fewest and the most branches a connection that routes can have."""
    return min(spec.least_branches), max(spec.sizes)
