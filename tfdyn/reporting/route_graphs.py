"""Graphs of a network, whose edges are as wide as their branches are used."""

import dataclasses
import re

import numpy as np

from tfdyn.figures import figure
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import WIDTH, short

# A branch that fewer images run is left out.
LEAST = 0.005
# How far an edge bulges for each node that it passes, and from the next branch's edge.
BULGE, APART = 0.75, 0.24
PLACE = re.compile(r"(.*)_node_(\d+)_from_(\d+)")


@dataclasses.dataclass(frozen=True)
class Edge:
    """A connection in a graph.

    Attributes:
        mixed_op: Name of its MixedOp.
        source: Node that it comes from, counted from 0.
        target: Node that it leads to.
    """

    mixed_op: str
    source: int
    target: int


def find_graphs(parts: list[list[str]]) -> dict[str, list[Edge]]:
    """Returns the connections of a network as graphs.

    A part with several connections is a graph of its own, as is a cell of DRNet. Its
    MixedOps say in their names between which nodes they are. All other parts follow
    one another, and make one graph.

    Args:
        parts: For each part of a network, the names of its MixedOps
            (`RoutedModel.parts`).
    """
    graphs = {}
    for names in parts:
        places = [PLACE.fullmatch(name) for name in names]
        if places and all(places):
            graphs[places[0][1]] = [
                Edge(place[0], int(place[3]), int(place[2])) for place in places
            ]
            continue
        chain = graphs.setdefault("network", [])
        source = chain[-1].target if chain else 0
        chain += [Edge(name, source, source + 1) for name in names]
    return graphs


def route_graphs(parts: list[list[str]], use: dict[str, dict]) -> list[Picture]:
    """Returns a picture of each graph of a network.

    Args:
        parts: As in `find_graphs`.
        use: Share of the images that run each branch of each MixedOp.
    """
    branches = list(dict.fromkeys(name for part in use.values() for name in part))
    colors = {name: f"C{index % 10}" for index, name in enumerate(branches)}
    return [
        _picture(name, edges, use, colors) for name, edges in find_graphs(parts).items()
    ]


def _picture(name, edges, use, colors):
    last = max(edge.target for edge in edges)
    text = "; ".join(
        f"{edge.mixed_op}: {_shares(use[edge.mixed_op])}" for edge in edges
    )

    def draw(path):
        with figure(path, (WIDTH, 0.85 * last + 1.4)) as axes:
            axes.set_axis_off()
            drawn = {}
            for edge in edges:
                _draw(axes, edge, use[edge.mixed_op], colors, drawn)
            for node in range(last + 1):
                axes.plot(0, -node, "o", markersize=15, color="C7", zorder=3)
                axes.annotate(
                    str(node), (0, -node), ha="center", va="center", color="black"
                )
            axes.autoscale_view()
            axes.margins(0.08)
            axes.legend(
                drawn.values(),
                [short(name) for name in drawn],
                loc="upper center",
                bbox_to_anchor=(0.5, 0.0),
                ncols=2,
                fontsize="small",
            )

    return Picture(
        f"use_{name}",
        f"{name}: an edge is a branch, as wide as the share of images that run it.",
        f"{name}, share of images that run each branch. {text}.",
        draw,
    )


def _draw(axes, edge, shares, colors, drawn):
    """Draws the branches of a connection as curves between two nodes."""
    along = np.linspace(0, 1, 50)
    span = edge.target - edge.source
    side = 1 if edge.source % 2 == 0 else -1
    middle = side * BULGE * (span - 1)
    for index, (branch, share) in enumerate(shares.items()):
        if share < LEAST:
            continue
        apart = APART * (index - (len(shares) - 1) / 2)
        bulge = 4 * along * (1 - along) * (middle + apart)
        (line,) = axes.plot(
            bulge,
            -(edge.source + span * along),
            color=colors[branch],
            linewidth=0.5 + 6 * share,
            alpha=0.9,
            solid_capstyle="butt",
        )
        drawn.setdefault(branch, line)


def _shares(shares):
    used = [(share, name) for name, share in shares.items() if share >= LEAST]
    texts = [f"{name} {100 * share:.1f} %" for share, name in sorted(used)[::-1]]
    return ", ".join(texts) or "none"
