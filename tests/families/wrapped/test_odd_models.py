"""Models that are written in unusual ways: T=1 is the original, or a line says why."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tfdyn
from tfdyn.errors import UserError

IMAGES = np.random.default_rng(0).normal(size=(3, 8, 8, 4)).astype("float32")


def conv(tensor, **arguments):
    return layers.Conv2D(4, 3, padding="same", **arguments)(tensor)


def block(tensor, name=None):
    return layers.Add(name=name)([tensor, conv(conv(tensor))])


def logits(tensor):
    return layers.Dense(3)(layers.GlobalAveragePooling2D()(tensor))


def make(body, end=lambda tensor: tensor):
    image = keras.Input((8, 8, 4))
    return keras.Model(image, end(logits(block(body(image)))))


def outputs(model, **arguments):
    return np.asarray(tfdyn.wrap(model, **arguments)(IMAGES, threshold=1.0)["logits"])


@keras.saving.register_keras_serializable("odd")
class Add(layers.Layer):
    """A sum by its name only."""

    def call(self, first, second):
        return first + 0.1 * second


def twice(tensor):
    branch = conv(tensor)
    return layers.Add()([tensor, branch, branch])


def spectral(tensor):
    return layers.SpectralNormalization(layers.Conv2D(4, 3, padding="same"))(tensor)


@pytest.mark.parametrize(
    "body",
    [
        twice,
        spectral,
        lambda tensor: conv(layers.RandomFlip()(tensor)),
        lambda tensor: Add()(tensor, conv(tensor)),
        lambda tensor: conv(tensor, name="image"),
        lambda tensor: tensor,
    ],
    ids=["a term twice", "wrapper", "augmentation", "own Add", "image", "first block"],
)
def test_t_1_is_the_original(body):
    model = make(body)
    np.testing.assert_array_equal(outputs(model), model(IMAGES, training=False))


def test_no_layer_of_augmentation_runs_in_inference():
    model = tfdyn.wrap(make(lambda tensor: conv(layers.RandomFlip()(tensor))))
    first, second = (model.predict(IMAGES, verbose=0)["logits"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_softmax_may_be_followed_by_a_cast():
    def end(tensor):
        return layers.Activation("linear", dtype="float32")(layers.Softmax()(tensor))

    model = make(conv, end)
    probabilities = ops.softmax(outputs(model))
    np.testing.assert_allclose(probabilities, model(IMAGES), atol=1e-6)


@pytest.mark.parametrize("end", [ops.relu, ops.tanh])
def test_refuses_operations_whose_outputs_are_no_logits(end):
    with pytest.raises(UserError, match="only logits or their softmax"):
        tfdyn.wrap(make(conv, end))


def test_names_never_clash():
    def body(tensor):
        for name in ("a", "exit_b", "b", "end", "stem", "layers_2"):
            tensor = block(tensor, name)
        return tensor

    model = make(body)
    wrapped = tfdyn.wrap(model, exits=["a", "b"])
    names = [op.name for op in wrapped.mixed_ops]
    assert len(set(names)) == len(names) == len(wrapped(IMAGES)["route"])
    expected = model(IMAGES)
    np.testing.assert_array_equal(wrapped(IMAGES, threshold=1.0)["logits"], expected)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_low_precision_is_computed_in_float32(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = make(conv)
    finally:
        keras.config.set_dtype_policy(before)
    expected = np.asarray(ops.cast(model(IMAGES), "float32"))
    np.testing.assert_allclose(outputs(model), expected, atol=0.05)


def test_refuses_a_quantized_model():
    model = make(conv)
    model.layers[-1].quantize("int8")
    with pytest.raises(UserError, match="is quantized: wrap the model of float32"):
        tfdyn.wrap(model)


def test_refuses_a_layer_of_several_outputs():
    def body(tensor):
        attention = layers.MultiHeadAttention(1, 4, attention_axes=(1, 2))
        return attention(tensor, tensor, return_attention_scores=True)[0]

    with pytest.raises(UserError, match="MultiHeadAttention, has several outputs"):
        tfdyn.wrap(make(body))


def test_refuses_an_inner_model_of_several_outputs():
    image = keras.Input((8, 8, 4))
    inner = keras.Model(image, [conv(image), conv(image)])
    with pytest.raises(UserError, match="has 2 inputs or outputs"):
        tfdyn.wrap(make(lambda tensor: layers.Add()(inner(tensor))))


def test_refuses_channels_first():
    image = keras.Input((4, 8, 8))
    pool = layers.GlobalAveragePooling2D(data_format="channels_first")
    model = keras.Model(image, layers.Dense(3)(pool(image)))
    with pytest.raises(UserError, match="has its channels first"):
        tfdyn.wrap(model, exits=1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"exits": "here"},
        {"exits": None},
        {"blocks": "all"},
        {"blocks": "none", "exits": 1},
    ],
)
def test_short_forms_of_arguments(arguments):
    model = make(lambda tensor: block(tensor, "here"))
    np.testing.assert_array_equal(outputs(model, **arguments), model(IMAGES))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"exits": 2.0}, "exits must be a list of names"),
        ({"exits": True}, "exits must be a list of names"),
        ({"blocks": 3}, "blocks must be a list of names"),
        ({"exit_filters": -1, "exits": 1}, "exit_filters must be a whole number"),
        ({"exit_filters": "64", "exits": 1}, "exit_filters must be a whole number"),
    ],
)
def test_refuses_arguments_of_another_kind(arguments, words):
    with pytest.raises(UserError, match=words):
        tfdyn.wrap(make(conv), **arguments)
