"""How routes differ between images: their number, their costs, and their classes."""

import numpy as np

from tfdyn.routing.route import distinct

# Share of the images that are called easy, and share of those that are called hard.
EASY_OR_HARD = 1 / 3
SHUFFLES = 10


def describe(
    routes: np.ndarray,
    labels: np.ndarray,
    costs: np.ndarray,
    right: np.ndarray,
    confidence: np.ndarray,
) -> dict[str, float]:
    """Returns numbers that say how far the routes depend on the image.

    Args:
        routes: Flat routes `(n, branches of all MixedOps)` of n images.
        labels: Their classes, `(n,)`.
        costs: Their costs, `(n,)`.
        right: Boolean array `(n,)`, whether each is classified right.
        confidence: Float array `(n,)`, how sure the network is with all branches. The
            third of the images with the highest is called easy, that with the lowest
            hard.

    Returns:
        A dict:

        - `routes_in_use`: number of different sets of branches.
        - `most_frequent_share`: share of the images that run the commonest set.
        - `cost_spread`: standard deviation of the cost, divided by its mean.
        - `information`: mutual information of route and class in bits;
          `information_by_chance`: what it would be if the routes were shuffled, for
          with many routes and few images it is above 0.
        - `cost_right`, `cost_wrong`, `cost_easy`, `cost_hard`: mean costs of images
          that are classified right and wrong, and of easy and hard ones. `None` if
          there are none.
    """
    sets, indices = distinct(routes)
    indices = np.asarray(indices)
    generator = np.random.default_rng(0)
    chance = [
        mutual_information(generator.permutation(indices), labels)
        for _ in range(SHUFFLES)
    ]
    low, high = np.quantile(confidence, [EASY_OR_HARD, 1 - EASY_OR_HARD])
    groups = {
        "cost_right": right,
        "cost_wrong": ~right,
        "cost_easy": confidence >= high,
        "cost_hard": confidence <= low,
    }
    return {
        "routes_in_use": len(sets),
        "most_frequent_share": float((indices == 0).mean()),
        "cost_spread": float(costs.std(dtype=float) / costs.mean(dtype=float)),
        "information": mutual_information(indices, labels),
        "information_by_chance": float(np.mean(chance)),
        **{
            name: float(costs[members].mean(dtype=float)) if members.any() else None
            for name, members in groups.items()
        },
    }


def mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the mutual information of two discrete variables, in bits.

    Args:
        first: Integers from 0, one for each image, `(n,)`.
        second: Other integers from 0, one for each image, `(n,)`.
    """
    shape = first.max() + 1, second.max() + 1
    joint = np.zeros(shape)
    np.add.at(joint, (first, second), 1 / len(first))
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    information = (joint[there] * np.log2(joint[there] / independent[there])).sum()
    return max(0.0, float(information))  # Rounding may leave a little less than 0.
