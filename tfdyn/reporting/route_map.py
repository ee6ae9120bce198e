"""Maps of routes: alike routes lie near each other, with images that run them."""

import importlib.util
import warnings

import numpy as np

from tfdyn.figures import figure
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import WIDTH, scale_of, short
from tfdyn.reporting.routes_in_use import RoutesInUse

# Fewer routes than this need no map, and more are slow to place.
LEAST, MOST = 5, 2000
EXAMPLES = 16
SIZE = (WIDTH, 4.6)


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


def route_maps(
    places: np.ndarray,
    method: str,
    in_use: RoutesInUse,
    class_names,
    unit: str,
    pixels: dict[int, np.ndarray],
) -> list[Picture]:
    """Returns a map coloured by cost, with images, and one coloured by class.

    Args:
        places: Array `(k, 2)` of the first k routes in use.
        method: Name of the method that placed them.
        in_use: `RoutesInUse`.
        class_names: Names of the classes, by label.
        unit: Unit of the costs: "macs" or "ms".
        pixels: Pixels of example images, uint8, by the index of a route.
    """
    count = len(places)
    scale, label = scale_of(unit)
    costs, classes = scale * in_use.costs[:count], in_use.classes[:count]
    share = in_use.counts[:count] / in_use.counts.sum()
    areas = 14 + 300 * share / share.max()
    names, of_route = np.unique(classes, return_inverse=True)

    def by_cost(path):
        from matplotlib.offsetbox import AnnotationBbox, OffsetImage

        with figure(path, SIZE) as axes:
            _bare(axes)
            points = axes.scatter(*places.T, areas, costs, cmap="viridis", alpha=0.8)
            axes.figure.colorbar(points, label=label)
            for route, image in pixels.items():
                zoom = 22 / max(image.shape[:2])
                color = image.shape[-1] == 3
                shown = image if color else image[..., 0]
                box = AnnotationBbox(
                    OffsetImage(shown, zoom=zoom, cmap="gray"),
                    places[route],
                    xybox=(18, 18),
                    boxcoords="offset points",
                    pad=0.1,
                    arrowprops={"arrowstyle": "-", "color": "C7"},
                )
                axes.add_artist(box)

    def by_class(path):
        with figure(path, SIZE) as axes:
            _bare(axes)
            colors = 10 if len(names) <= 10 else 20
            points = axes.scatter(
                *places.T,
                areas,
                of_route,
                cmap=f"tab{colors}",
                alpha=0.8,
                vmin=0,
                vmax=colors - 0.01,
            )
            if len(names) <= 20:
                handles = [
                    axes.scatter([], [], color=points.cmap(points.norm(index)))
                    for index in range(len(names))
                ]
                axes.legend(
                    handles,
                    [short(class_names[name], 16) for name in names],
                    fontsize="x-small",
                    loc="center left",
                    bbox_to_anchor=(1.0, 0.5),
                )

    left_out = len(in_use.counts) - count
    title = f"{method} of {count:,} routes: near each other if they share branches; "
    title += "the area is the number of images"
    title += f"; {left_out:,} rare routes are left out" if left_out else ""
    ends = f"from {costs.min():.4g} to {costs.max():.4g}"
    most = np.argsort(-np.bincount(of_route), kind="stable")[:5]
    shown = ", ".join(class_names[names[index]] for index in most)
    return [
        Picture(
            "routes_by_cost",
            f"{title}. Colour: mean cost; images that run some of the routes.",
            f"Map of routes by {method}; {label} {ends}.",
            by_cost,
        ),
        Picture(
            "routes_by_class",
            f"{title}. Colour: the commonest class of the images.",
            f"Map of routes by {method}; the classes of most routes are {shown}.",
            by_class,
        ),
    ]


def _bare(axes):
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.12)
