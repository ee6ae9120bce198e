"""Description: what of a Keras model may be skipped, what not, and why."""

import dataclasses

import keras

from tfdyn.families.wrapped.graph import Graph, read_graph
from tfdyn.families.wrapped.pieces import (
    Piece,
    find_pieces,
    output_shapes,
    place_of_exit,
)
from tfdyn.families.wrapped.places import macs_of_pieces, possible_places
from tfdyn.families.wrapped.plan import with_logits
from tfdyn.text import align


@dataclasses.dataclass(frozen=True)
class Description:
    """What was found in a model. As text, it is a table.

    Attributes:
        name: Name of the model.
        macs: Its multiply-accumulates (MACs) for one image.
        links: List of dicts, one for each link of the chain that the model is: `name`;
            `shape`, of its output, without the batch; `layers`, their number; `macs`;
            `skippable_macs`, those of the branches that may be skipped; `exit`, whether
            one can stand behind it; `reason`, why a link of several layers cannot be
            skipped, else empty.
    """

    name: str
    macs: int
    links: list[dict]

    @property
    def skippable(self) -> int:
        """MACs of all branches that may be skipped."""
        return sum(link["skippable_macs"] for link in self.links)

    def __str__(self):
        rows = [
            (
                "name",
                "output",
                "layers",
                "MACs",
                "skippable",
                "exit",
                "why not skippable",
            )
        ]
        for link in self.links:
            rows.append(
                (
                    link["name"],
                    "x".join(map(str, link["shape"])),
                    str(link["layers"]),
                    self._share(link["macs"]),
                    self._share(link["skippable_macs"]),
                    "yes" if link["exit"] else "",
                    link["reason"],
                )
            )
        blocks = sum(bool(link["skippable_macs"]) for link in self.links)
        return (
            f"{self.name}: {self.macs:,} MACs an image; {blocks} blocks may be "
            f"skipped, which have {self.skippable / max(self.macs, 1):.1%} of them\n\n"
            + align(rows, left_columns=2)
        )

    def _share(self, macs):
        return f"{macs / max(self.macs, 1):.1%}" if macs else ""


def describe(model: keras.Model) -> Description:
    """Describes what of a model may be skipped, and where it may have exits.

    ```python
    print(tfdyn.describe(keras.applications.MobileNetV2()))
    ```

    Args:
        model: Functional or sequential `keras.Model`, built.

    Raises:
        UserError: If the model cannot be wrapped.
    """
    return describe_graph(read_graph(model), model.name)


def describe_graph(graph: Graph, name: str) -> Description:
    """Describes a graph, as `describe` does a model.

    Args:
        graph: `Graph` of a model.
        name: Name of the model.

    Raises:
        UserError: If its output is not that of a classifier.
    """
    nodes = with_logits(graph.nodes)
    shapes = output_shapes(nodes, graph.input_shape)
    pieces = find_pieces(nodes, shapes)
    macs = macs_of_pieces(pieces, graph.input_shape)
    places = {piece.name for piece in possible_places(pieces)}
    links, before, index = [], graph.input_shape, 0
    while index < len(pieces):
        piece = pieces[index]
        # Activations behind a block belong to it.
        end = place_of_exit(pieces, piece.name) if len(piece.nodes) > 1 else index
        links.append(
            {
                "name": piece.name,
                "shape": list(piece.shape),
                "layers": sum(len(each.nodes) for each in pieces[index : end + 1]),
                "macs": sum(macs[index : end + 1]),
                "skippable_macs": _skippable(piece, macs[index], before),
                "exit": piece.name in places,
                "reason": piece.reason,
            }
        )
        before, index = piece.shape, end + 1
    return Description(name, sum(macs), _join_plain(links))


def _skippable(piece: Piece, macs: int, shape: tuple) -> int:
    """Returns the MACs of a piece's branches; its shortcut always runs."""
    if not piece.branches:
        return 0
    shortcut = Piece(piece.name, piece.shortcut, piece.shape, [], [])
    return macs - (macs_of_pieces([shortcut], shape)[0] if piece.shortcut else 0)


def _join_plain(links):
    """Joins neighbours of one layer each, behind which no exit can stand."""
    joined = []
    for link in links:
        last = joined[-1] if joined else None
        if last and _is_plain(link) and _is_plain(last):
            joined[-1] = {
                **link,
                "layers": last["layers"] + link["layers"],
                "macs": last["macs"] + link["macs"],
            }
        else:
            joined.append(link)
    return joined


def _is_plain(link):
    return not (link["skippable_macs"] or link["exit"] or link["reason"])
