"""Wrapping: with T=1 the result is the original, whatever Keras model it was."""

import json

import keras
import numpy as np
import pytest
import tiny_wrapped
from keras import layers

import tfdyn
from tfdyn.errors import UserError
from tfdyn.families.wrapped.exits import Exit
from tfdyn.families.wrapped.graph import read_graph
from tfdyn.families.wrapped.plan import plan, with_logits
from tfdyn.families.wrapped.residual import Residual
from tfdyn.families.wrapped.wrapping import wrap

EXITS = {"exit_filters": 4, "units": 4}


@pytest.mark.parametrize("name", tiny_wrapped.MODELS)
def test_with_t_of_1_it_is_the_original(name):
    make, arguments = tiny_wrapped.MODELS[name]
    model = make()
    wrapped = wrap(model, **arguments, **EXITS)
    tiny_wrapped.assert_same_at_1(model, wrapped, name in tiny_wrapped.SOFTMAX)


@pytest.mark.parametrize("exits", [["one", "three"], 1, 0])
def test_exits_do_not_change_the_original(exits):
    model = tiny_wrapped.residual()
    tiny_wrapped.assert_same_at_1(model, wrap(model, exits=exits, **EXITS))


def test_the_model_is_copied_and_not_changed():
    model = tiny_wrapped.residual(head="softmax")
    before, config = model.get_weights(), json.dumps(model.get_config())
    wrapped = wrap(model, exits=1, **EXITS)
    ours = {id(weight) for weight in wrapped.weights}
    assert not ours & {id(weight) for weight in model.weights}
    for weight in wrapped.weights:
        if weight.dtype == "float32":
            weight.assign(weight + 1)
    for weight, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert json.dumps(model.get_config()) == config and model.trainable


def test_the_layers_of_the_copy_have_the_weights_of_the_original():
    model = tiny_wrapped.residual()
    copied = {}
    for part in wrap(model, exits=1, **EXITS).sub_networks:
        copied |= {each.name: each for each in part.operations}
    for layer in model.layers:
        if layer.weights:
            pairs = zip(copied[layer.name].weights, layer.weights, strict=True)
            for ours, theirs in pairs:
                np.testing.assert_array_equal(ours, theirs)


def test_normalisation_by_data_is_copied():
    model = tiny_wrapped.with_preprocessing()
    mean = model.get_layer("adapted").mean
    (stem,) = (s for s in wrap(model, units=4).sub_networks if s.kind == "stem")
    names = [operation.name for operation in stem.operations]
    assert names[:2] == ["scaled", "adapted"]
    np.testing.assert_array_equal(stem.operations[1].mean, mean)


def chain(**arguments):
    wrapped = wrap(tiny_wrapped.residual(), **arguments, **EXITS)
    return [(type(link).__name__, link.name) for link in wrapped.chain]


def test_the_chain_of_blocks_and_exits():
    assert chain() == [
        ("SubNetwork", "stem"),
        ("Residual", "one"),
        ("Residual", "two"),
        ("Residual", "three"),
        ("Exit", "end"),
    ]
    assert chain(blocks=["three"], exits=["one"]) == [
        ("SubNetwork", "stem"),
        ("Exit", "exit_one"),
        ("MixedOp", "layers_2"),
        ("Residual", "three"),
        ("Exit", "end"),
    ]
    # All that follows the last exit is its end.
    assert chain(blocks=[], exits=["two"]) == [
        ("SubNetwork", "stem"),
        ("Exit", "exit_two"),
        ("Exit", "end"),
    ]


def test_what_is_asked_for_reaches_the_model():
    arguments = {"units": 5, "previous_state": False, "normalized_routers": True}
    arguments |= {"selection": "softmax", "threshold": 0.6, "seed": 3}
    wrapped = wrap(
        tiny_wrapped.residual(), exits=1, exit_filters=3, routers="image", **arguments
    )
    config = wrapped.get_config()
    assert {name: config[name] for name in arguments} == arguments
    (router,) = wrapped.routers.values()
    assert router.units == 5 and router.normalize and not router.recall
    (head,) = (link.head for link in wrapped.chain[:-1] if isinstance(link, Exit))
    assert head.filters == 3
    assert sum(isinstance(link, Residual) for link in wrapped.chain) == 3


def ending(*end):
    inputs = keras.Input(tiny_wrapped.RGB)
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    for layer in end:
        x = layer(x)
    return keras.Model(inputs, x, name="ending")


POOL = layers.GlobalAveragePooling2D


@pytest.mark.parametrize(
    ("end", "says"),
    [
        (
            lambda: [POOL(), layers.Dense(1)],
            ["output has the shape (1,)", "two classes or more"],
        ),
        (lambda: [], ["output has the shape (6, 6, 4)", "include_top=True"]),
        (
            lambda: [POOL(), layers.Dense(3, "sigmoid")],
            ["ends with Dense, activation sigmoid", "End it with Dense(classes)"],
        ),
        (
            lambda: [POOL(), layers.Dense(3), layers.Activation("sigmoid")],
            [
                "ends with Activation, activation sigmoid",
                "only logits or their softmax",
            ],
        ),
        (lambda: [POOL(), layers.Dense(3), layers.ReLU()], ["ends with ReLU"]),
        (lambda: [POOL(), layers.Dense(3, "relu")], ["ends with Dense, activation re"]),
    ],
)
def test_ends_that_are_none_of_a_classifier(end, says):
    with pytest.raises(UserError) as error:
        wrap(ending(*end()), exits=["conv"])
    for words in says:
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("make", "arguments", "says"),
    [
        (
            tiny_wrapped.residual,
            {"blocks": ["four"]},
            "four is not a block that can be skipped. There are one, two, three.",
        ),
        (
            tiny_wrapped.sequential,
            {"blocks": ["first"]},
            "first is not a block that can be skipped. There are none.",
        ),
        (tiny_wrapped.residual, {"exits": ["four"]}, "No exit can stand behind 'four'"),
        (
            tiny_wrapped.residual,
            {"exits": 4},
            "3 places for exits, not 4: ask for fewer",
        ),
        (
            tiny_wrapped.residual,
            {"exits": ["one", "one_out"]},
            "Two exits stand at the same place: one_out",
        ),
        (
            tiny_wrapped.sequential,
            {},
            "There is nothing to skip: the model has no residual block that can be "
            "routed. Ask for exits, for instance exits=1 (--exits=1).",
        ),
        (
            tiny_wrapped.residual,
            {"routers": "both"},
            "routers must be one of blocks, image; got 'both'.",
        ),
        (tiny_wrapped.residual, {"units": 0}, "units must be a whole number"),
        (
            tiny_wrapped.residual,
            {"threshold": [0.5, 0.5]},
            "one for each of the 3 connections; got 2",
        ),
    ],
)
def test_arguments_that_are_wrong(make, arguments, says):
    with pytest.raises(UserError) as error:
        wrap(make(), **arguments)
    assert says in str(error.value)


def test_logits_of_all_ends():
    ends = {"logits": "classes", "softmax": "classes"}
    ends |= {"activation": "classes", "layer": "classes"}
    for head, name in ends.items():
        nodes = read_graph(tiny_wrapped.residual(head=head)).nodes
        last = with_logits(nodes)[-1]
        assert last["name"] == name
        assert last["operation"]["config"]["activation"] == "linear"
    # The model's own nodes stay as they are.
    assert nodes[-1]["name"] == "probabilities"


def test_a_plan_names_each_node_once():
    graph = read_graph(tiny_wrapped.residual())
    planned = plan(graph, None, ["one"], 8)
    assert planned["num_classes"] == 10
    assert [p["name"] for p in planned["pieces"]] == [
        "stem",
        "one",
        "exit_one",
        "two",
        "three",
        "end",
    ]
    names = []
    for piece in planned["pieces"]:
        names += piece.get("nodes", []) + piece.get("shortcut", [])
        names += [name for branch in piece.get("branches", []) for name in branch]
        names += piece.get("after", [])
    sums = [node["name"] for node in graph.nodes if node["name"] not in names]
    assert sums == ["one", "two", "three"] and len({*names}) == len(names)
    assert planned["pieces"][2]["exit"] == 8


def test_it_is_the_function_of_the_package():
    assert tfdyn.wrap is not None
    model = tfdyn.wrap(tiny_wrapped.squeezed(), units=4)
    assert isinstance(model, tfdyn.Wrapped)
