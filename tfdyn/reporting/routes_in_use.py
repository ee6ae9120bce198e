"""RoutesInUse: the sets of branches that images run, with what is known of each set."""

import dataclasses

import numpy as np

from tfdyn.routing.route import distinct


@dataclasses.dataclass(frozen=True)
class RoutesInUse:
    """The k different routes of n images, the most frequent first.

    Attributes:
        sets: Boolean array `(k, branches)`, which branches run.
        of_image: Index of the route of each image, `(n,)`.
        counts: Number of images on each route, `(k,)`.
        costs: Mean cost of the images on each route, `(k,)`.
        classes: Commonest class among the images on each route, `(k,)`.
    """

    sets: np.ndarray
    of_image: np.ndarray
    counts: np.ndarray
    costs: np.ndarray
    classes: np.ndarray


def routes_in_use(
    routes: np.ndarray, costs: np.ndarray, labels: np.ndarray
) -> RoutesInUse:
    """Groups images by the branches that they run.

    Args:
        routes: Flat routes `(n, branches)`.
        costs: Costs of the images, `(n,)`.
        labels: Their classes, `(n,)`.
    """
    sets, indices = distinct(routes)
    of_image = np.asarray(indices)
    counts = np.bincount(of_image)
    by_class = np.zeros((len(sets), labels.max() + 1), int)
    np.add.at(by_class, (of_image, labels), 1)
    sums = np.bincount(of_image, np.asarray(costs, float))
    return RoutesInUse(
        np.stack(sets) != 0, of_image, counts, sums / counts, by_class.argmax(axis=1)
    )
