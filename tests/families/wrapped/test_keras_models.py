"""The models of keras.applications: their blocks, and themselves at T=1."""

import keras
import numpy as np
import pytest
import tiny_wrapped

from tfdyn.families.wrapped.graph import read_graph
from tfdyn.families.wrapped.pieces import find_pieces, output_shapes
from tfdyn.families.wrapped.places import possible_places
from tfdyn.families.wrapped.wrapping import wrap


def build(name, **arguments):
    """A model with random weights, and statistics as after a training."""
    make = getattr(keras.applications, name)
    model = make(input_shape=(32, 32, 3), weights=None, classes=7, **arguments)
    random = np.random.default_rng(0)
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Normalization):  # Statistics of data.
            for weight in layer.weights:
                if len(weight.shape) == 1:
                    noise = 0.1 * random.normal(size=weight.shape)
                    weight.assign(weight + noise)
    norms = [layer for layer in model.layers if hasattr(layer, "moving_variance")]
    momentum = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0  # One pass is enough.
    model(tiny_wrapped.images((32, 32, 3), rows=4, seed=1), training=True)
    for norm, value in zip(norms, momentum, strict=True):
        norm.momentum = value
    return model


def found(model):
    """The names of a model's residual blocks, and of the places for exits."""
    graph = read_graph(model)
    pieces = find_pieces(graph.nodes, output_shapes(graph.nodes, graph.input_shape))
    blocks = [piece.name for piece in pieces if piece.branches]
    return blocks, [piece.name for piece in possible_places(pieces)]


# The number of blocks is that of the papers: of those with a sum.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arguments", "count"),
    [
        ("ResNet50", {}, 16),
        ("MobileNetV2", {"alpha": 0.35}, 10),
        ("MobileNetV3Small", {}, 6),
        ("EfficientNetB0", {}, 9),
        ("MobileNet", {"alpha": 0.25}, 0),
    ],
)
def test_a_model_of_keras_at_t_of_1(name, arguments, count):
    model = build(name, classifier_activation=None, **arguments)
    blocks, places = found(model)
    assert len(blocks) == count
    some = [*blocks[:1], *blocks[-1:]]
    wrapped = wrap(model, some, [places[1]], exit_filters=0, units=4)
    assert [block.name for block in wrapped.residual_blocks] == some
    tiny_wrapped.assert_same_at_1(model, wrapped)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count", "place"),
    [
        ("ResNet50V2", 16, "conv2_block1_out"),
        ("ConvNeXtTiny", 18, None),
        ("VGG16", 0, "block1_conv2"),
    ],
)
def test_what_is_found_in_a_model_of_keras(name, count, place):
    make = getattr(keras.applications, name)
    blocks, places = found(make(input_shape=(32, 32, 3), weights=None, classes=7))
    assert len(blocks) == count and (place is None or place in places)
