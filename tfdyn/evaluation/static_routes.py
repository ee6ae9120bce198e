"""Static routes: the best fixed routes of a trained network.

A router is worth something if it beats them: a network that runs one route for all
images needs no router. Where few routes are possible, all are tried. Otherwise a search
goes from the best routes known to those that differ in one branch.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np

from tfdyn.routing.route import RouteSpec


def with_weights(runs: np.ndarray, spec: RouteSpec, mean: np.ndarray) -> np.ndarray:
    """Returns the flat route `(branches,)` that runs some branches for every image.

    Args:
        runs: Boolean array `(branches of all MixedOps,)`, which branches run.
        spec: `RouteSpec` of the network.
        mean: Float array `(branches of all MixedOps,)`, the router's weights of all
            branches, their mean over images. In a binary network the weights are 1
            instead. Otherwise those of the branches that run are divided by their sum,
            as `tfdyn.routing.selection.threshold_route` does. A branch that no image
            runs, as in a codebook, counts 1.
    """
    if spec.binary:
        return runs.astype("float32")
    mean = np.where(mean > 0, mean, 1.0)
    parts = spec.split(np.where(runs, mean, 0.0).astype("float32"))
    sums = {name: part.sum() or 1.0 for name, part in parts.items()}
    return spec.flatten({name: part / sums[name] for name, part in parts.items()})


def count_routes(spec: RouteSpec) -> int:
    """Returns the number of sets of branches that a network may run."""
    return math.prod(
        sum(math.comb(size, number) for number in range(least, size + 1))
        for size, least in zip(spec.sizes, spec.least_branches, strict=True)
    )


def all_routes(spec: RouteSpec) -> list[np.ndarray]:
    """Returns all sets of branches that a network may run, as boolean arrays."""
    choices = [
        [
            runs
            for runs in itertools.product((False, True), repeat=size)
            if sum(runs) >= least
        ]
        for size, least in zip(spec.sizes, spec.least_branches, strict=True)
    ]
    return [np.concatenate(parts) for parts in itertools.product(*choices)]


def search(
    measure: Callable[[np.ndarray], tuple[float, float]],
    spec: RouteSpec,
    start: list[np.ndarray],
    most: int,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measures fixed routes: all, or those that a search finds.

    The search begins with some routes. Then it measures, in random order, routes that
    differ in one branch from a route of the frontier so far.

    Args:
        measure: Function that takes a boolean array `(branches of all MixedOps,)` and
            returns the accuracy and the cost of the route.
        spec: `RouteSpec` of the network.
        start: Routes to begin with, such as those that the router chooses.
        most: Largest number of routes to measure.
        seed: Seed of the order.

    Returns:
        Boolean array `(n, branches of all MixedOps)`, and two float arrays `(n,)`: the
        accuracy and the cost of each route.
    """
    measured = {}

    def add(runs):
        if len(measured) < most and runs.tobytes() not in measured:
            measured[runs.tobytes()] = (runs, *measure(runs))

    exhaustive = count_routes(spec) <= most
    for runs in all_routes(spec) if exhaustive else start:
        add(np.asarray(runs, bool))
    generator = np.random.default_rng(seed)
    while not exhaustive and len(measured) < most:
        routes, accuracy, cost = map(np.array, zip(*measured.values(), strict=True))
        neighbours = [
            runs
            for index in frontier(accuracy, cost)
            for runs in _neighbours(routes[index], spec)
            if runs.tobytes() not in measured
        ]
        if not neighbours:
            break
        # A few, then the frontier is looked at anew.
        for index in generator.permutation(len(neighbours))[: max(4, most // 16)]:
            add(neighbours[index])
    return tuple(map(np.array, zip(*measured.values(), strict=True)))


def _neighbours(runs, spec):
    """Yields the routes that differ from one in one branch."""
    for index in range(len(runs)):
        changed = runs.copy()
        changed[index] = not changed[index]
        parts = spec.split(changed).values()
        if all(p.sum() >= n for p, n in zip(parts, spec.least_branches, strict=True)):
            yield changed


def frontier(accuracy: np.ndarray, cost: np.ndarray) -> list[int]:
    """Returns the routes that no mixture of two others beats, from cheap to dear.

    They are the upper hull of the points (cost, accuracy), up to the highest accuracy.

    Args:
        accuracy: Accuracy of each route, `(n,)`.
        cost: Cost of each route, `(n,)`.
    """
    hull = []
    for index in sorted(range(len(cost)), key=lambda i: (cost[i], -accuracy[i])):
        if hull and accuracy[index] <= accuracy[hull[-1]]:
            continue
        while len(hull) > 1 and _above(hull[-2], index, hull[-1], accuracy, cost):
            hull.pop()
        hull.append(index)
    return hull


def _above(first, last, middle, accuracy, cost):
    """Returns whether the line from a point to another is not below a third."""
    rise = (accuracy[last] - accuracy[first]) / (cost[last] - cost[first])
    height = accuracy[first] + rise * (cost[middle] - cost[first])
    return height >= accuracy[middle]


def mixture(costs: np.ndarray, mean: float) -> np.ndarray:
    """Returns the shares of images for which routes of the frontier run.

    Two routes that are neighbours on the frontier are mixed, so that the mean cost is
    the one asked for. The cheapest or the most expensive route alone is the nearest
    where the frontier does not reach.

    Args:
        costs: Costs of the routes of the frontier, rising, `(k,)`.
        mean: Mean cost of the mixture, in the same unit.

    Returns:
        Float array `(k,)` that sums to 1. At most two shares are above 0.
    """
    shares = np.zeros(len(costs))
    upper = int(np.searchsorted(costs, mean))
    if upper == 0 or upper == len(costs):
        shares[min(upper, len(costs) - 1)] = 1.0
        return shares
    share = (mean - costs[upper - 1]) / (costs[upper] - costs[upper - 1])
    shares[upper - 1], shares[upper] = 1 - share, share
    return shares


def oracle(right: np.ndarray, costs: np.ndarray) -> tuple[float, float]:
    """Returns accuracy and mean cost if each image takes the cheapest right route.

    An image that every route gets wrong takes the cheapest one.

    Args:
        right: Boolean array `(routes, images)`, whether a route classifies an image
            right.
        costs: Cost of each route, `(routes,)`.
    """
    dear = np.where(right, np.asarray(costs)[:, None], np.inf)
    solved = right.any(axis=0)
    costs_of_images = np.where(solved, dear.min(axis=0), np.min(costs))
    return float(solved.mean()), float(costs_of_images.mean())
