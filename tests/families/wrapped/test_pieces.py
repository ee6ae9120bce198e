"""Pieces: where a graph is one tensor wide, and which links are residual blocks."""

import keras
import pytest
import tiny_wrapped
from keras import layers

from tfdyn.families.wrapped.graph import read_graph
from tfdyn.families.wrapped.pieces import (
    find_pieces,
    layer_of,
    output_shapes,
    place_of_exit,
)

INPUTS = keras.Input((8, 8, 4))


def _names(nodes):
    return [node["name"] for node in nodes]


def pieces_of(model):
    graph = read_graph(model)
    shapes = output_shapes(graph.nodes, graph.input_shape)
    return find_pieces(graph.nodes, shapes), graph.nodes


def blocks_of(model):
    """Maps each residual block to its shortcut and its branches, as names."""
    return {
        piece.name: (_names(piece.shortcut), [_names(b) for b in piece.branches])
        for piece in pieces_of(model)[0]
        if piece.branches
    }


@pytest.mark.parametrize("name", tiny_wrapped.MODELS)
def test_the_links_are_all_nodes_in_order(name):
    pieces, nodes = pieces_of(tiny_wrapped.MODELS[name][0]())
    assert [node for piece in pieces for node in piece.nodes] == nodes
    for piece in pieces:
        assert piece.name == piece.nodes[-1]["name"]
        sides = [*piece.shortcut, *(node for b in piece.branches for node in b)]
        assert not piece.branches or len(sides) == len(piece.nodes) - 1


def test_blocks_of_a_residual_network():
    def body(name):
        kinds = ("a_conv", "a_norm", "relu", "b_conv", "b_norm")
        return [f"{name}_{kind}" for kind in kinds]

    assert blocks_of(tiny_wrapped.residual()) == {
        "one": ([], [body("one")]),
        "two": (["two_side_conv", "two_side_norm"], [body("two")]),
        "three": ([], [body("three")]),
    }


def test_what_both_sides_share_stands_before_the_block():
    pieces, _ = pieces_of(tiny_wrapped.pre_activation())
    names = [piece.name for piece in pieces]
    assert names[:4] == ["stem", "one", "two_norm", "two_relu"]
    blocks = blocks_of(tiny_wrapped.pre_activation())
    assert blocks["one"] == ([], [["one_norm", "one_relu", "one_conv"]])
    assert blocks["two"] == (["two_side"], [["two_conv"]])


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        (
            "squeezed",
            {"one": ["one_conv", "one_norm", "squeeze", "excite", "weighed"]},
        ),
        ("stochastic_depth", {"one": ["one_conv", "one_norm", "drop"]}),
        ("nested", {"block_sum": ["block_inner_conv", "block_inner_norm"]}),
        ("with_preprocessing", {"one": ["one_conv", "one_norm"]}),
        ("sequential", {}),
        ("dense_net", {}),
    ],
)
def test_blocks_with_the_identity(name, blocks):
    blocks_here = blocks_of(tiny_wrapped.MODELS[name][0]())
    assert blocks_here == {key: ([], [nodes]) for key, nodes in blocks.items()}


def test_sums_by_operators_are_sums():
    first, second = blocks_of(tiny_wrapped.operators()).values()
    assert first == ([], [["one_conv", "one_norm"]])
    assert second[0] == [] and second[1][0][:2] == ["two_conv", "two_norm"]


def test_each_term_but_the_shortcut_is_a_branch():
    branches = [["left_conv", "left_norm"], ["right_conv", "right_norm"]]
    assert blocks_of(tiny_wrapped.three_terms()) == {"three": ([], branches)}


def reasons(outputs):
    """Why the links of several nodes are no blocks."""
    outputs = layers.Dense(3)(layers.Flatten()(outputs))
    pieces, _ = pieces_of(keras.Model(INPUTS, outputs))
    return [piece.reason for piece in pieces if len(piece.nodes) > 1]


def test_why_a_link_is_no_block():
    x = layers.Conv2D(4, 1)(INPUTS)
    assert reasons(layers.Concatenate()([x, layers.ReLU()(x)])) == [
        "ends with Concatenate, not with a sum"
    ]
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    assert reasons(layers.Add()([x, gate])) == ["adds terms of different shapes"]
    side = layers.ReLU()(x)
    terms = [layers.Conv2D(4, 1)(side), layers.Conv2D(4, 1)(side), x]
    assert reasons(layers.Add()(terms)) == ["adds terms that share layers"]
    flat = layers.Flatten()(INPUTS)
    assert reasons(layers.Add()([flat, layers.Dense(256)(flat)])) == [
        "is not of feature maps (height, width, channels)"
    ]


def test_shapes_of_all_tensors():
    graph = read_graph(tiny_wrapped.residual())
    shapes = output_shapes(graph.nodes, graph.input_shape)
    assert shapes["image"] == (8, 8, 3) and shapes["one"] == (8, 8, 4)
    assert shapes["two_side_norm"] == (4, 4, 6) and shapes["classes"] == (10,)
    assert len(shapes) == len(graph.nodes) + 1


def test_an_exit_stands_behind_the_activation_of_its_block():
    pieces, _ = pieces_of(tiny_wrapped.residual())
    for name in ("one", "one_out"):
        place = place_of_exit(pieces, name)
        assert pieces[place].name == "one_out" and layer_of(pieces[place]) == "ReLU"
    assert pieces[place_of_exit(pieces, "stem_conv")].name == "stem_conv"
    assert place_of_exit(pieces, "four") is None
