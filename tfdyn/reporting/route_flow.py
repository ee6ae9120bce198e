"""The flow of images through the connections where their routes part."""

import itertools

import numpy as np

from tfdyn.figures import figure
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import WIDTH, short
from tfdyn.routing.route import RouteSpec

# The most connections in a picture, and the share of images below which none parts.
CONNECTIONS, LEAST = 10, 0.005
# Height of a bar, of the space between connections, and width of a gap between bars.
BAR, SPACE, GAP = 0.34, 1.0, 0.015


def route_flow(runs: np.ndarray, spec: RouteSpec) -> Picture | None:
    """Returns a picture of how images part at connections and meet again.

    Each connection is a row of bars, one for each set of branches that images run
    there, as wide as the share of images. Bands between two rows are images.

    Args:
        runs: Boolean array `(n, branches)`, which branches run for each image.
        spec: `RouteSpec` of the network.

    Returns:
        The picture; `None` if all images run the same branches everywhere.
    """
    rows = [
        (name, *_sets(part, spec.branches[name]))
        for name, part in spec.split(runs).items()
    ]
    parting = [
        row for row in rows if 1 - np.bincount(row[1]).max() / len(runs) >= LEAST
    ]
    if not parting:
        return None
    # Of many, those with the most information, in the network's order.
    order = np.argsort([-_entropy(row[1]) for row in parting], kind="stable")
    shown = [parting[index] for index in sorted(order[:CONNECTIONS])]
    bars = [_bars(of_image) for _, of_image, _ in shown]

    def draw(path):
        with figure(path, (WIDTH, SPACE * len(shown) * 0.9 + 0.5)) as axes:
            axes.set_axis_off()
            for level, (name, _, labels) in enumerate(shown):
                axes.annotate(
                    short(name, 60), (0, -SPACE * level + 0.06), fontsize=8, va="bottom"
                )
                for index, (start, share) in enumerate(bars[level]):
                    _bar(axes, level, index, start, share, labels[index])
            for level, pair in enumerate(itertools.pairwise(shown)):
                _bands(axes, level, bars[level : level + 2], pair)
            axes.set(xlim=(-0.02, 1.2), ylim=(-SPACE * len(shown) + 0.5, 0.35))

    texts = [f"{name}: {_text(of_image, labels)}" for name, of_image, labels in shown]
    same = len(rows) - len(shown)
    others = f" At {same} others they part less, or not at all." if same else ""
    return Picture(
        "route_flow",
        f"Where routes part, at {len(shown)} of {len(rows)} connections. A bar is a "
        f"set of branches, as wide as the share of images that run it; bands are "
        f"images.{others}",
        f"Share of images on each set of branches. {'; '.join(texts)}.",
        draw,
    )


def _sets(runs, branches):
    """Returns for each image the index of its set, and the names of the sets."""
    sets, of_image, counts = np.unique(
        runs, axis=0, return_inverse=True, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    place = np.argsort(order)
    names = [
        "all"
        if each.all() and len(branches) > 1
        else " + ".join(np.array(branches)[each]) or "none"
        for each in sets[order]
    ]
    return place[of_image.reshape(-1)], names


def _entropy(of_image):
    shares = np.bincount(of_image) / len(of_image)
    return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())


def _bars(of_image):
    """Returns start and width of the bar of each set."""
    shares = np.bincount(of_image) / len(of_image)
    starts = np.cumsum(shares) - shares + GAP * np.arange(len(shares))
    return list(zip(starts, shares, strict=True))


def _bar(axes, level, index, start, share, label):
    from matplotlib.patches import Rectangle

    corner, color = (start, -SPACE * level - BAR), f"C{index % 10}"
    # Pale, so that what is written on it can be read.
    axes.add_patch(Rectangle(corner, share, BAR, color=color, alpha=0.5))
    letters = int(share * 62)
    if letters > 6:
        text = f"{short(label, letters - 6)} {share:.0%}"
        place = (start + share / 2, -SPACE * level - BAR / 2)
        axes.annotate(text, place, fontsize=8, ha="center", va="center")


def _bands(axes, level, bars, pair):
    """Draws the images that go from each set of a connection to each of the next."""
    (_, first, _), (_, second, _) = pair
    flow = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(flow, (first, second), 1 / len(first))
    top, bottom = -SPACE * level - BAR, -SPACE * (level + 1)
    along = np.linspace(0, 1, 30)
    ease, height = 3 * along**2 - 2 * along**3, top + (bottom - top) * along
    leaving, entering = ([start for start, _ in bar] for bar in bars)
    for source, target in zip(*np.nonzero(flow), strict=True):
        width = flow[source, target]
        left = leaving[source] + (entering[target] - leaving[source]) * ease
        axes.fill_betweenx(
            height, left, left + width, color=f"C{source % 10}", alpha=0.25, linewidth=0
        )
        leaving[source] += width
        entering[target] += width


def _text(of_image, labels):
    shares = np.bincount(of_image) / len(of_image)
    return ", ".join(
        f"{label} {100 * share:.1f} %"
        for label, share in list(zip(labels, shares, strict=True))[:5]
    )
