"""Places of exits: by name, by number, and where none can stand."""

import pytest
import tiny_wrapped

from tfdyn.costs import complexity
from tfdyn.errors import UserError
from tfdyn.families.wrapped.graph import read_graph
from tfdyn.families.wrapped.pieces import find_pieces, output_shapes
from tfdyn.families.wrapped.places import exits_of, macs_of_pieces, possible_places

SHAPE = tiny_wrapped.RGB


@pytest.fixture(scope="module")
def pieces():
    return pieces_of(tiny_wrapped.residual())


def pieces_of(model):
    nodes = read_graph(model).nodes
    return find_pieces(nodes, output_shapes(nodes, SHAPE))


def names(pieces, places):
    return {pieces[place].name: name for place, name in places.items()}


def test_macs_of_the_links_are_those_of_the_layers(pieces):
    counts = dict(
        zip((p.name for p in pieces), macs_of_pieces(pieces, SHAPE), strict=True)
    )
    model = tiny_wrapped.residual()

    def macs(*layers):
        return sum(
            complexity.macs(layer, (1, *layer.input.shape[1:]))
            for layer in map(model.get_layer, layers)
        )

    assert counts["stem_conv"] == 64 * 9 * 3 * 4
    assert counts["classes"] == 6 * 10
    block = ("two_a_conv", "two_b_conv", "two_side_conv")
    assert macs(*block) == 16 * (9 * 4 * 6 + 9 * 6 * 6 + 4 * 6)
    norms = macs("two_a_norm", "two_b_norm", "two_side_norm")
    assert counts["two"] == macs(*block) + norms
    assert sum(counts.values()) == complexity.macs(model, (1, *SHAPE))


def test_exits_by_name_are_sorted_by_their_place(pieces):
    places = exits_of(pieces, ["two", "one_out"], SHAPE)
    assert names(pieces, places) == {"one_out": "one_out", "two_out": "two"}
    assert [*places] == sorted(places)


def test_exits_by_number_stand_between_a_half_and_four_fifths(pieces):
    macs = macs_of_pieces(pieces, SHAPE)
    blocks = {piece.name: index for index, piece in enumerate(pieces) if piece.branches}
    shares = {name: sum(macs[: i + 1]) / sum(macs) for name, i in blocks.items()}
    (nearest,) = names(pieces, exits_of(pieces, 1, SHAPE)).values()
    assert nearest == min(shares, key=lambda name: abs(shares[name] - 0.5))
    *_, last = names(pieces, exits_of(pieces, 2, SHAPE)).values()
    left = {*shares} - {nearest}
    assert last == min(left, key=lambda name: abs(shares[name] - 0.8))
    assert [*names(pieces, exits_of(pieces, 3, SHAPE)).values()] == [*blocks]
    assert exits_of(pieces, 0, SHAPE) == exits_of(pieces, (), SHAPE) == {}


def test_without_blocks_exits_stand_behind_convolutions():
    pieces = pieces_of(tiny_wrapped.sequential())
    assert [piece.name for piece in possible_places(pieces)] == ["first", "second"]
    # Behind the second, 66 % of the MACs have run; behind the first, 35 %.
    assert len(exits_of(pieces, 2, SHAPE)) == 2


def test_possible_places_are_blocks_of_any_kind():
    pieces = pieces_of(tiny_wrapped.dense_net())
    assert [piece.name for piece in possible_places(pieces)] == ["one", "two"]


@pytest.mark.parametrize(
    ("exits", "says"),
    [
        (["four"], "No exit can stand behind 'four'. The places are one, two, three."),
        (["classes"], "No exit can stand behind 'classes'. The places are one"),
        (["pool"], "No exit can stand behind 'pool'."),
        (["two", "two_out"], "Two exits stand at the same place: two_out. Name one."),
        (4, "There are 3 places for exits, not 4: ask for fewer."),
        (-1, "There are 3 places for exits, not -1"),
    ],
)
def test_exits_that_cannot_be(pieces, exits, says):
    with pytest.raises(UserError) as error:
        exits_of(pieces, exits, SHAPE)
    assert says in str(error.value)
