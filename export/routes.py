"""Routes: which route a fixed graph is made for."""

import collections
import json

import numpy as np

from export.graph.trace import split_route


def load(path, model):
    """Reads a route: a JSON object of MixedOp names and lists of weights.

    Returns:
        Weights `(branches of all MixedOps,)`.

    Raises:
        ValueError: If the file is not a route of the model.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        weights = [np.asarray(content[op.name], "float32") for op in model.mixed_ops]
        for op, own in zip(model.mixed_ops, weights, strict=True):
            if own.shape != (len(op.branches),) or not np.isfinite(own).all():
                raise ValueError(f"{op.name} needs {len(op.branches)} numbers")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is not a route of this network ({type(error).__name__}: {error}). "
            f"Expected a JSON object with the weights of each MixedOp's branches, as "
            f'{{"{model.mixed_ops[0].name}": [0, 0, 1, 0, 0], …}}.'
        ) from error
    return np.concatenate(weights)


def as_json(route, model):
    """Returns a route as the object that `load` reads."""
    parts = split_route(model, np.asarray(route))
    return {name: [round(float(w), 7) for w in part] for name, part in parts.items()}


def as_text(route, model):
    """Returns which branches a route runs: a 1 or 0 each, MixedOps apart."""
    runs = np.where(np.asarray(route) != 0, "1", "0")
    return " ".join("".join(own) for own in split_route(model, runs).values())


def distinct(routes):
    """Groups routes by the branches that they run.

    Args:
        routes: `(n, branches of all MixedOps)`.

    Returns:
        A list of the routes that differ, the most frequent first, each with the weights
        of its first; and a list of the index in it of each of the n.
    """
    keys = [row.tobytes() for row in np.asarray(routes) != 0]
    order = [key for key, _ in collections.Counter(keys).most_common()]
    return [routes[keys.index(key)] for key in order], [order.index(k) for k in keys]


def most_frequent(routes):
    """Returns the route that most images take, and their share.

    Its weights are the mean of theirs.

    Args:
        routes: `(images, branches of all MixedOps)`.
    """
    _, indices = distinct(routes)
    own = np.asarray(routes)[np.equal(indices, 0)]
    return own.mean(axis=0), len(own) / len(routes)


def random_routes(model, count, branches_per_connection, seed=0):
    """Draws random routes of a given mean number of branches a connection.

    Args:
        model: `RoutedModel`.
        count: How many.
        branches_per_connection: Between whole numbers n and n + 1 each MixedOp runs
            one of the two, at random; never fewer than the network must run there.
        seed: Integer.

    Returns:
        Weights `(count, branches of all MixedOps)`; those of a MixedOp are random and
        sum to 1, if it runs any; of a network whose weights are binary, 0 or 1.
    """
    least, most = _bounds(model)
    if not least <= branches_per_connection <= most:
        raise ValueError(
            f"Branches a connection are between {least} and {most}; got "
            f"{branches_per_connection:g}."
        )
    generator = np.random.default_rng(seed)
    routes = []
    for _ in range(count):
        parts = []
        for op, least in zip(model.mixed_ops, model.least_branches, strict=True):
            whole, rest = divmod(branches_per_connection, 1)
            runs = max(least, int(whole) + (generator.random() < rest))
            chosen = generator.permutation(len(op.branches))[:runs]
            weights = np.zeros(len(op.branches), "float32")
            weights[chosen] = 1.0
            if runs > 1 and not model.binary:
                weights[chosen] = generator.dirichlet(np.ones(runs))
            parts.append(weights)
        routes.append(np.concatenate(parts))
    return np.stack(routes)


def spread_routes(model, count, seed=0):
    """Draws random routes from the least that the network must run to all of it.

    Args:
        model: `RoutedModel`.
        count: How many.
        seed: Integer.

    Returns:
        A list of weights `(branches of all MixedOps,)`, in the order of their numbers.
    """
    numbers = np.linspace(*_bounds(model), count).tolist()
    return [random_routes(model, 1, n, seed + i)[0] for i, n in enumerate(numbers)]


def _bounds(model):
    """Returns the least and the most branches a connection that routes can have."""
    return min(model.least_branches), min(len(op.branches) for op in model.mixed_ops)
