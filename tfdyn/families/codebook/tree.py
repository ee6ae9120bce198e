"""RouteTree: where the routes of a codebook part, from the first part to the last."""

import dataclasses
import functools

import numpy as np


@dataclasses.dataclass(frozen=True)
class Fork:
    """A place where routes that were the same so far become different.

    Attributes:
        members: Tuple of the routes, by their index, that come here.
        groups: Tuple of tuples: the members that go on together.
    """

    members: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]

    def member_mask(self, count: int) -> np.ndarray:
        """Returns whether each of `count` routes comes here, `(count,)`."""
        return np.isin(np.arange(count), self.members)

    def together(self, count: int) -> np.ndarray:
        """Returns which pairs of routes go on together, `(count, count)`."""
        matrix = np.zeros((count, count), bool)
        for group in self.groups:
            matrix[np.ix_(group, group)] = True
        return matrix


class RouteTree:
    """Describes at which parts of a network the routes of a codebook fork.

    Args:
        parts: For each part of the network an array `(routes, branches of the part)`.
    """

    def __init__(self, parts: list[np.ndarray]):
        self.parts = parts
        self.count = len(parts[0])

    def groups(self, index: int, members: tuple[int, ...]) -> tuple:
        """Returns routes that are the same in a part, as a tuple of tuples.

        Args:
            index: Index of the part.
            members: The routes to group.
        """
        groups = {}
        for member in members:
            groups.setdefault(self.parts[index][member].tobytes(), []).append(member)
        return tuple(map(tuple, groups.values()))

    @functools.cached_property
    def forks(self) -> list[list[Fork]]:
        """The forks before each part. Most parts have none."""
        forks, alive = [], [tuple(range(self.count))]
        for index in range(len(self.parts)):
            grouped = [(members, self.groups(index, members)) for members in alive]
            forks.append([Fork(*pair) for pair in grouped if len(pair[1]) > 1])
            alive = [group for _, groups in grouped for group in groups]
        return forks
