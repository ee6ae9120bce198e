"""Routes to time: at the lowest T, the cheapest, and of one branch a MixedOp."""

import numpy as np

from tfdyn.errors import UserError

# A T so low that a network runs as few branches as it can.
LOWEST = 1e-6


def at_lowest(source, image):
    """Returns the flat route of one image at the lowest T, `(1, branches)`."""
    pixels = np.asarray(source.input_format.normalize(image))
    route = source.model(pixels, threshold=LOWEST, training=False)["route"]
    return np.asarray(source.model.route_spec.flatten(route))


def cheapest(model):
    """Returns the flat route with the fewest MACs, `(1, branches)`."""
    parts = []
    spec = model.route_spec
    for name, least in zip(spec.branches, spec.least_branches, strict=True):
        costs = model.route_cost.branches[name]
        weights = np.zeros(len(costs), "float32")
        weights[np.argsort(costs)[:least]] = 1.0
        parts.append(weights)
    return np.concatenate(parts)[np.newaxis]


def one_branch(model):
    """Returns, for each branch, the route that runs it alone in every MixedOp."""
    sizes = set(model.route_spec.sizes)
    if len(sizes) > 1:
        raise UserError(
            f"--each_branch needs MixedOps with the same number of branches. Those of "
            f"this network have {', '.join(map(str, sorted(sizes)))} branches. Leave "
            f"out --each_branch."
        )
    (size,), count = sizes, len(model.route_spec.branches)
    routes = np.tile(np.eye(size, dtype="float32"), (1, count))
    names = [f"only {name}" for name in next(iter(model.route_spec.branches.values()))]
    return {name: route[np.newaxis] for name, route in zip(names, routes, strict=True)}
