"""Places of exits in a chain, by names or by a number of exits."""

import numpy as np

from tfdyn.costs import complexity
from tfdyn.errors import UserError
from tfdyn.families.wrapped.pieces import Piece, layer_of, place_of_exit
from tfdyn.families.wrapped.sub_network import SubNetwork


def macs_of_pieces(pieces: list[Piece], image_shape: tuple) -> list[int]:
    """Returns the MACs of each link of a chain, for one image.

    Args:
        pieces: Links, from the image on.
        image_shape: Shape of an image, `(height, width, channels)`.
    """
    counts, shape = [], image_shape
    for piece in pieces:
        layer = SubNetwork(piece.nodes)
        layer.build((None, *shape))
        counts.append(complexity.macs(layer, (1, *shape)))
        shape = piece.shape
    return counts


def exits_of(pieces: list[Piece], exits, image_shape: tuple) -> dict[int, str]:
    """Returns the places of exits.

    Args:
        pieces: Links, from the image on.
        exits: Names of links, or a number of exits. Those are spread over the places
            (`possible_places`) between a half and four fifths of the MACs.
        image_shape: Shape of an image, `(height, width, channels)`.

    Returns:
        Dict from the index of the link behind which an exit stands to the link's name.

    Raises:
        UserError: If an exit cannot stand there.
    """
    exits = [exits] if isinstance(exits, str) else exits or ()
    if isinstance(exits, int) and not isinstance(exits, bool):
        exits = _spread(pieces, exits, image_shape)
    if not isinstance(exits, (list, tuple)):
        raise UserError(
            f"exits must be a list of names of layers, or a whole number; got "
            f"{exits!r}."
        )
    places = {}
    for name in exits:
        place = place_of_exit(pieces, name)
        if place is None or len(pieces[place].shape) != 3 or place == len(pieces) - 1:
            possible = [piece.name for piece in possible_places(pieces)]
            raise UserError(
                f"No exit can stand behind {name!r}. The places are "
                f"{', '.join(possible) or 'none'}."
            )
        if place in places:
            raise UserError(f"Two exits stand at the same place: {name}. Name one.")
        places[place] = name
    return dict(sorted(places.items()))


def possible_places(pieces: list[Piece]) -> list[Piece]:
    """Returns the links behind which an exit best stands: blocks, if there are any.

    Args:
        pieces: Links, from the image on.
    """
    maps = [piece for piece in pieces[:-1] if len(piece.shape) == 3]
    blocks = [piece for piece in maps if len(piece.nodes) > 1]
    return blocks or [piece for piece in maps if "Conv" in layer_of(piece)]


def _spread(pieces, count, image_shape):
    """Returns the names of places between a half and four fifths of the MACs."""
    macs = macs_of_pieces(pieces, image_shape)
    total, so_far, reached = sum(macs), 0, {}
    possible = {piece.name for piece in possible_places(pieces)}
    for piece, of_piece in zip(pieces, macs, strict=True):
        so_far += of_piece
        if piece.name in possible:
            reached[piece.name] = so_far / total
    if not 0 <= count <= len(reached):
        raise UserError(
            f"There are {len(reached)} places for exits, not {count}: ask for fewer."
        )
    names = []
    # Earlier exits are seldom sure, and later ones save little.
    for goal in np.linspace(0.5, 0.8, count):
        left = [name for name in reached if name not in names]
        names.append(min(left, key=lambda name: abs(reached[name] - goal)))
    return names
