"""The file of a user's model: loaded, described, and given the pixels it wants."""

import pathlib

import keras
import numpy as np
import pytest
import tiny_wrapped
from keras import layers

from tfdyn.data.input_format import InputFormat
from tfdyn.data.sources import IMAGENET_MEAN, IMAGENET_STD
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.families.wrapped.graph import IMAGE, read_graph
from tfdyn.families.wrapped.original import graph_of, load_graph
from tfdyn.families.wrapped.pixels import normalized
from tfdyn.families.wrapped.sub_network import run_nodes

NAMES = tuple("0123456789")
COLOURS = InputFormat(NAMES, tiny_wrapped.RGB, (0.4, 0.5, 0.3), (0.2, 0.25, 0.3))
GREY = InputFormat(NAMES, tiny_wrapped.GRAY, (0.4,), (0.2,))
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), "uint8")
MODES = {
    "unit": lambda pixels: pixels / 255,
    "none": lambda pixels: pixels,
    **{
        mode: lambda pixels, mode=mode: (
            keras.applications.imagenet_utils.preprocess_input(pixels, mode=mode)
        )
        for mode in ("tf", "torch", "caffe")
    },
}


@pytest.fixture(scope="module")
def model():
    return tiny_wrapped.residual()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "gray.keras"
    tiny_wrapped.residual(tiny_wrapped.GRAY, head="softmax").save(path)
    return path


def settings(file, **changes):
    return Settings(network="wrapped", dataset="digits", model=str(file), **changes)


def computed(graph, images):
    operations = [graph.operations[node["name"]] for node in graph.nodes]
    return run_nodes(graph.nodes, operations, {IMAGE: images})


@pytest.mark.parametrize("mode", MODES)
def test_a_model_gets_the_pixels_that_keras_would_give_it(model, mode):
    graph = normalized(read_graph(model), mode, COLOURS)
    outputs = computed(graph, COLOURS.normalize(PIXELS))
    expected = model(MODES[mode](PIXELS.astype("float32")).astype("float32"))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(outputs, expected, atol=1e-5 * scale)


def test_images_as_tfdyn_normalises_them_need_nothing(model):
    graph = read_graph(model)
    assert normalized(graph, "dataset", COLOURS) is graph


def test_layers_of_the_same_name_are_no_trouble():
    inputs = keras.Input(tiny_wrapped.RGB)
    x = layers.ReLU(name="reversed_channels")(
        layers.Rescaling(2.0, name="pixels")(inputs)
    )
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
    graph = normalized(read_graph(model), "caffe", COLOURS)
    names = [node["name"] for node in graph.nodes]
    assert names[:4] == ["pixels_", "reversed_channels_", "pixels", "reversed_channels"]
    outputs = computed(graph, COLOURS.normalize(PIXELS))
    expected = model(MODES["caffe"](PIXELS.astype("float32")))
    np.testing.assert_allclose(outputs, expected, atol=1e-2)


@pytest.mark.parametrize("mode", ["unit", "tf", "none"])
def test_images_of_one_channel(mode):
    model = tiny_wrapped.residual(tiny_wrapped.GRAY)
    graph = normalized(read_graph(model), mode, GREY)
    pixels = PIXELS[..., :1]
    outputs = computed(graph, GREY.normalize(pixels))
    wanted = pixels / 127.5 - 1 if mode == "tf" else MODES[mode](pixels)
    expected = model(wanted.astype("float32"))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", ["torch", "caffe"])
def test_modes_of_three_colours_refuse_one_channel(mode):
    model = tiny_wrapped.residual(tiny_wrapped.GRAY)
    says = rf"--preprocessing={mode} is for images of three colours; these have 1 chan"
    with pytest.raises(UserError, match=says):
        normalized(read_graph(model), mode, GREY)


def test_images_that_are_normalised_so_already():
    same = InputFormat(NAMES, tiny_wrapped.RGB, IMAGENET_MEAN, IMAGENET_STD)
    graph = normalized(read_graph(tiny_wrapped.residual()), "torch", same)
    config = graph.nodes[0]["operation"]["config"]
    np.testing.assert_allclose(config["scale"], 1, rtol=1e-6)
    np.testing.assert_allclose(config["offset"], 0, atol=1e-6)


def test_a_file_is_read_and_read_again_when_it_changes(tmp_path):
    path = tmp_path / "model.keras"
    tiny_wrapped.sequential().save(path)
    assert [node["name"] for node in load_graph(path).nodes][0] == "first"
    tiny_wrapped.residual(tiny_wrapped.GRAY).save(path)
    graph = load_graph(path)
    assert graph.input_shape == (8, 8, 1) and graph.nodes[0]["name"] == "stem_conv"


def test_the_graph_of_a_run_has_the_weights_of_the_file(file):
    graph = graph_of(settings(file))
    original = keras.saving.load_model(file)
    for layer in original.layers:
        if layer.weights:
            for ours, theirs in zip(
                graph.operations[layer.name].weights, layer.weights, strict=True
            ):
                np.testing.assert_array_equal(ours, theirs)


def broken(folder):
    (folder / "broken.keras").write_bytes(b"no archive")
    return folder / "broken.keras"


def folder_itself(folder):
    return folder


def saved_model(folder):
    path = folder / "exported"
    (path / "variables").mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(b"")
    return path


def with_lambda(folder):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Lambda(lambda x: x[:, :10])]
    )
    model.save(folder / "lambda.keras")
    return folder / "lambda.keras"


@keras.saving.register_keras_serializable("tests_of_original")
class Own(layers.Layer):
    def call(self, inputs):
        return inputs


def with_own_layer(folder):
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), Own()])
    model.save(folder / "own.keras")
    del keras.saving.get_custom_objects()["tests_of_original>Own"]
    return folder / "own.keras"


def weights_alone(folder):
    tiny_wrapped.sequential().save_weights(folder / "model.weights.h5")
    return folder / "model.weights.h5"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (broken, ["broken.keras cannot be loaded by Keras 3", "model.save('NAME.ker"]),
        (folder_itself, ["is a folder"]),
        (saved_model, ["exported", "is a folder"]),
        (with_lambda, ["lambda.keras has a Lambda layer", "keras.ops", "tfdyn.wrap("]),
        (
            with_own_layer,
            ["own.keras cannot be loaded", "need tfdyn.wrap(model) in Py"],
        ),
        (weights_alone, ["model.weights.h5 cannot be loaded", "whole file of model.s"]),
    ],
)
def test_files_that_hold_no_model(make, says, tmp_path):
    path = make(pathlib.Path(tmp_path))
    with pytest.raises((UserError, OSError)) as error:
        load_graph(path)
    for words in says:
        assert words in str(error.value)


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(OSError, match="nowhere.keras"):
        load_graph(tmp_path / "nowhere.keras")


def test_a_run_needs_a_model():
    with pytest.raises(UserError, match="--model is missing: the .keras file"):
        graph_of(Settings(network="wrapped", dataset="digits"))


def test_images_of_another_size(tmp_path):
    tiny_wrapped.residual((8, 8, 3)).save(tmp_path / "rgb.keras")
    with pytest.raises(UserError) as error:
        graph_of(settings(tmp_path / "rgb.keras"))
    assert "rgb.keras reads images of the shape (8, 8, 3)" in str(error.value)
    assert "those of --dataset=digits have (8, 8, 1)" in str(error.value)


def test_another_number_of_classes(tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(7)]
    )
    model.save(tmp_path / "seven.keras")
    with pytest.raises(UserError) as error:
        graph_of(settings(tmp_path / "seven.keras"))
    assert "an output of the shape (7,), but --dataset=digits has 10 classes" in str(
        error.value
    )
