"""Maps of routes, coloured by cost and by class, with images that run them."""

import numpy as np

from tfdyn.figures import figure
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import WIDTH, scale_of, short
from tfdyn.reporting.routes_in_use import RoutesInUse

SIZE = (WIDTH, 4.6)


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
