"""Route: which branches run for each image, and with which weights.

Routes and flat routes are explained in the glossary of CONTRIBUTING.md. `RouteSpec`
converts between them. A flat route holds the MixedOps in the network's order.
"""

import collections
import dataclasses
import pathlib

import numpy as np
from keras import ops

from tfdyn.errors import UserError
from tfdyn.reading import read_json


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
        if not ends:  # One MixedOp: Keras cannot split into one part.
            return dict.fromkeys(self.branches, flat_route)
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
        content = read_json(path, "a route of this network", self._expected)
        return self.from_json(content, path)

    @property
    def _expected(self):
        name, branches = next(iter(self.branches.items()))
        weights = [1] + [0] * (len(branches) - 1)
        example = f'{{"{name}": {weights}, …}}'
        return f"Expected a JSON object with weights of each connection: {example}."

    def from_json(self, content: dict, path) -> np.ndarray:
        """Returns the flat route `(size,)` of an object that `to_json` returned.

        Args:
            content: Dict from MixedOp names to lists of weights.
            path: The file that it was read from, for errors, or a part of the file.

        Raises:
            UserError: If it is not a route of this network.
        """
        try:
            if others := sorted(content.keys() - self.branches.keys()):
                raise UserError(f"it names {others[0]!r}, which is no connection")
            if missing := [name for name in self.branches if name not in content]:
                raise UserError(f"it lacks {missing[0]}")
            parts = {name: _weights(content[name]) for name in self.branches}
            self._check(parts)
        except (UserError, OverflowError) as error:
            raise UserError(
                f"{path} is not a route of this network: {error}. {self._expected}"
            ) from error
        return self.flatten(parts)

    def check(self, flat_route: np.ndarray) -> None:
        """Checks that a flat route can run.

        Args:
            flat_route: Array `(size,)`.

        Raises:
            UserError: If it has another shape, if a weight is not from 0 to 1 (or, in a
                binary network, not 0 or 1), or if a MixedOp runs too few branches.
        """
        if np.shape(flat_route) != (self.size,):
            raise UserError(
                f"A route of this network has {self.size} weights; got the shape "
                f"{np.shape(flat_route)}. Pass one flat route."
            )
        self._check(self.split(np.asarray(flat_route)))

    def _check(self, parts):
        for (name, part), branches, least in zip(
            parts.items(), self.branches.values(), self.least_branches, strict=True
        ):
            if part.shape != (len(branches),):
                raise UserError(
                    f"{name} needs {len(branches)} weights, of {', '.join(branches)}"
                )
            if not ((part >= 0) & (part <= 1 + 1e-6)).all():  # Means are rounded.
                raise UserError(f"{name} needs weights from 0 to 1")
            if self.binary and not np.isin(part, (0, 1)).all():
                raise UserError(f"{name} needs weights 0 or 1")
            if np.count_nonzero(part) < least:
                raise UserError(f"{name} must run {least} or more of its branches")

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


def _weights(values):
    numbers = isinstance(values, list) and all(
        isinstance(value, int | float) and not isinstance(value, bool)
        for value in values
    )
    if not numbers:
        raise UserError(f"{str(values)[:80]} is not a list of numbers")
    return np.array([float(value) for value in values], "float32")


def select_mixed_ops(route: dict, mixed_ops: list) -> dict:
    """Returns the part of a route that belongs to some of its MixedOps.

    Args:
        route: Mapping from MixedOp names to weights `(batch, branches)`.
        mixed_ops: List of `MixedOp` layers.

    Raises:
        UserError: If the route lacks one of them, or has too many or too few weights.
    """
    missing = [op.name for op in mixed_ops if op.name not in route]
    if missing:
        raise UserError(
            f"A route maps the name of every MixedOp to weights (batch, branches). "
            f"This one lacks {', '.join(missing)}."
        )
    for op in mixed_ops:
        if route[op.name].shape[-1] != len(op.branches):
            names = ", ".join(branch.name for branch in op.branches)
            raise UserError(
                f"The route has weights of the shape {tuple(route[op.name].shape)} for "
                f"{op.name}. It needs (batch, {len(op.branches)}): {names}."
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
