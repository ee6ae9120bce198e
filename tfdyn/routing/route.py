"""Route: which branches run for each image, and with which weights.

Routes and flat routes are explained in the glossary of CONTRIBUTING.md. `RouteSpec`
converts between them. A flat route holds the MixedOps in the network's order.
"""

import collections
import dataclasses
import json
import pathlib

import numpy as np
from keras import ops

from tfdyn.errors import UserError


@dataclasses.dataclass(frozen=True)
class RouteSpec:
    """Describes the routes of one network, as `keras.InputSpec` describes inputs.

    Attributes:
        branches: Mapping from each MixedOp's name to the names of its branches, in
            the network's order.
        least_branches: For each MixedOp, the smallest number of branches that may run.
        binary: Whether all weights of the network's routes are 0 or 1.
    """

    branches: dict[str, tuple[str, ...]]
    least_branches: tuple[int, ...]
    binary: bool = False

    @property
    def sizes(self) -> list[int]:
        """The number of branches of each MixedOp."""
        return [len(names) for names in self.branches.values()]

    @property
    def size(self) -> int:
        """The number of branches of all MixedOps together."""
        return sum(self.sizes)

    def flatten(self, route: dict):
        """Returns a route as a flat route.

        Args:
            route: Mapping from MixedOp names to weights `(..., branches)`. If all
                are NumPy arrays, so is the flat route; otherwise it is a tensor.
        """
        parts = [route[name] for name in self.branches]
        if all(isinstance(part, np.ndarray) for part in parts):
            return np.concatenate(parts, axis=-1)
        return ops.concatenate(parts, axis=-1)

    def split(self, flat_route) -> dict:
        """Returns a flat route as a mapping from MixedOp names to weights.

        Args:
            flat_route: Array or tensor `(..., branches of all MixedOps)`. An array is
                split into arrays: their values are known when a graph is traced.
        """
        ends = np.cumsum(self.sizes)[:-1].tolist()
        if isinstance(flat_route, np.ndarray):
            parts = np.split(flat_route, ends, axis=-1)
        else:
            parts = ops.split(flat_route, ends, axis=-1)
        return dict(zip(self.branches, parts, strict=True))

    def all_branches(self) -> np.ndarray:
        """Returns the flat route `(1, size)` of all branches, each of weight 1."""
        return np.ones((1, self.size), "float32")

    def load(self, path: str | pathlib.Path) -> np.ndarray:
        """Reads a flat route `(size,)` from a JSON file of what `to_json` returns.

        Args:
            path: File with an object that maps MixedOp names to lists of weights.

        Raises:
            UserError: If the file does not hold a route of this network.
            OSError: If the file cannot be read.
        """
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            weights = [np.asarray(content[name], "float32") for name in self.branches]
            for name, size, part in zip(
                self.branches, self.sizes, weights, strict=True
            ):
                if part.shape != (size,) or not np.isfinite(part).all():
                    raise UserError(f"{name} needs {size} finite numbers")
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{path} is not a route of this network ({type(error).__name__}: "
                f"{error}). Expected a JSON object with the weights of each MixedOp, "
                f'such as {{"{next(iter(self.branches))}": [0, 0, 1, 0, 0], …}}.'
            ) from error
        return np.concatenate(weights)

    def to_json(self, flat_route) -> dict:
        """Returns a flat route `(size,)` as an object that `load` reads."""
        parts = self.split(np.asarray(flat_route))
        return {
            name: [round(float(weight), 7) for weight in part]
            for name, part in parts.items()
        }

    def to_text(self, flat_route) -> str:
        """Returns a flat route `(size,)` as text: 1 for each branch that runs, else 0.

        A space stands between the MixedOps: "10010 00100".
        """
        runs = np.where(np.asarray(flat_route) != 0, "1", "0")
        return " ".join("".join(part) for part in self.split(runs).values())


def select_mixed_ops(route: dict, mixed_ops: list) -> dict:
    """Returns the part of a route that belongs to some of its MixedOps.

    Args:
        route: Mapping from MixedOp names to weights `(batch, branches)`.
        mixed_ops: List of `MixedOp` layers.

    Raises:
        UserError: If the route lacks one of them.
    """
    missing = [op.name for op in mixed_ops if op.name not in route]
    if missing:
        raise UserError(
            f"A route maps the name of every MixedOp to weights (batch, branches). "
            f"This one lacks {', '.join(missing)}."
        )
    return {op.name: route[op.name] for op in mixed_ops}


def distinct(flat_routes) -> tuple[list, list[int]]:
    """Groups routes by the branches that they run.

    Args:
        flat_routes: Array `(n, branches of all MixedOps)`.

    Returns:
        A list of the different routes, the most frequent first, each with the weights
        of its first image; and, for each of the n routes, its index in that list.
    """
    keys = [row.tobytes() for row in np.asarray(flat_routes) != 0]
    order = [key for key, _ in collections.Counter(keys).most_common()]
    indices = {key: index for index, key in enumerate(order)}
    return [flat_routes[keys.index(key)] for key in order], [indices[k] for k in keys]


def most_frequent(flat_routes) -> tuple[np.ndarray, float]:
    """Finds the set of branches that most images run.

    Args:
        flat_routes: Array `(images, branches of all MixedOps)`.

    Returns:
        A flat route `(branches of all MixedOps,)` with the mean weights of the images
        that run this set, and the share of these images.
    """
    _, indices = distinct(flat_routes)
    members = np.asarray(flat_routes)[np.equal(indices, 0)]
    return members.mean(axis=0), len(members) / len(flat_routes)
