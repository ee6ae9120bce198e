"""Places of routes on a plane: alike routes lie near each other."""

import importlib.util
import warnings

import numpy as np

from tfdyn.reporting.routes_in_use import RoutesInUse

# Fewer routes than this need no map, and more are slow to place.
LEAST, MOST = 5, 2000
EXAMPLES = 16


def place_routes(sets: np.ndarray) -> tuple[np.ndarray, str]:
    """Places routes on a plane: UMAP, or t-SNE if umap-learn is not installed.

    Args:
        sets: Boolean array `(k, branches)` of at least `LEAST` different routes.

    Returns:
        Array `(k, 2)`, and the name of the method.
    """
    if importlib.util.find_spec("umap"):
        with warnings.catch_warnings():  # It warns of its own use of scikit-learn.
            warnings.simplefilter("ignore")
            import umap

            method = umap.UMAP(
                n_neighbors=min(15, len(sets) - 1),
                metric="hamming",
                init="random",
                random_state=0,
                n_jobs=1,
            )
            return np.asarray(method.fit_transform(sets)), "UMAP"
    from sklearn.manifold import TSNE

    method = TSNE(
        perplexity=min(30.0, (len(sets) - 1) / 3),
        metric="hamming",
        init="random",
        random_state=0,
    )
    return method.fit_transform(sets), "t-SNE"


def examples_on_map(places: np.ndarray, in_use: RoutesInUse) -> dict[int, int]:
    """Chooses images that show what runs the routes of a map.

    Args:
        places: Array `(k, 2)` of the first k routes in use.
        in_use: `RoutesInUse`.

    Returns:
        Dict from the index of a route to the first image that runs it. The routes are
        far from each other on the map.
    """
    distance, routes = np.full(len(places), np.inf), [0]
    while len(routes) < min(EXAMPLES, len(places)):
        step = ((places - places[routes[-1]]) ** 2).sum(axis=1)
        distance = np.minimum(distance, step)
        routes.append(int(distance.argmax()))
    return {route: int(np.argmax(in_use.of_image == route)) for route in routes}
