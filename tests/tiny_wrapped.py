"""Small Keras models for tests, as users make them, and wrapped ones."""

import keras
import numpy as np
from keras import layers, ops

from tfdyn.families.wrapped.chain import run
from tfdyn.families.wrapped.exits import Exit, ExitHead
from tfdyn.families.wrapped.gates import Gates
from tfdyn.families.wrapped.wrapped import Wrapped
from tfdyn.families.wrapped.wrapping import wrap

SIZE, CLASSES, ROWS = 8, 10, 6
RGB = (SIZE, SIZE, 3)
GRAY = (SIZE, SIZE, 1)


def images(shape=RGB, rows=ROWS, seed=0):
    """Normalised images `(rows, height, width, channels)`."""
    return np.random.default_rng(seed).normal(size=(rows, *shape)).astype("float32")


def randomize(model, seed=0):
    """Gives all weights values of a seed, moving statistics of batch norm included."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        if not weight.dtype.startswith("float"):
            continue
        value = np.asarray(weight) + 0.2 * random.random(weight.shape)
        if len(weight.shape) > 1:
            value = random.normal(size=weight.shape) / np.prod(weight.shape[:-1]) ** 0.5
        weight.assign(value.astype(weight.dtype))
    return model


def _conv(x, filters, name, size=3, strides=1):
    x = layers.Conv2D(
        filters, size, strides, "same", use_bias=False, name=f"{name}_conv"
    )(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def _end(x, head="logits"):
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    if head == "softmax":
        return layers.Dense(CLASSES, "softmax", name="classes")(x)
    x = layers.Dense(CLASSES, name="classes")(x)
    if head == "activation":
        return layers.Activation("softmax", name="probabilities")(x)
    return layers.Softmax(name="probabilities")(x) if head == "layer" else x


def _stem(shape=RGB):
    inputs = keras.Input(shape, name="pixels_in")
    return inputs, layers.ReLU(name="stem")(_conv(inputs, 4, "stem"))


def _model(inputs, outputs):
    return randomize(keras.Model(inputs, outputs, name="original"))


def residual(shape=RGB, head="logits"):
    """Three blocks: the shortcuts of "one" and "three" are the identity."""
    inputs, x = _stem(shape)
    for name, filters, strides in (("one", 4, 1), ("two", 6, 2), ("three", 6, 1)):
        y = layers.ReLU(name=f"{name}_relu")(_conv(x, filters, f"{name}_a", 3, strides))
        y = _conv(y, filters, f"{name}_b")
        if strides == 2:
            x = _conv(x, filters, f"{name}_side", 1, strides)
        x = layers.Add(name=name)([x, y])
        x = layers.ReLU(name=f"{name}_out")(x)
    return _model(inputs, _end(x, head))


def pre_activation():
    """Two blocks whose normalisation comes first; the second one's feeds both sides."""
    inputs = keras.Input(RGB)
    x = layers.Conv2D(4, 3, padding="same", name="stem")(inputs)
    y = layers.ReLU(name="one_relu")(layers.BatchNormalization(name="one_norm")(x))
    y = layers.Conv2D(4, 3, padding="same", name="one_conv")(y)
    x = layers.Add(name="one")([x, y])
    x = layers.ReLU(name="two_relu")(layers.BatchNormalization(name="two_norm")(x))
    y = layers.Conv2D(6, 3, 2, "same", name="two_conv")(x)
    x = layers.Conv2D(6, 1, 2, "same", name="two_side")(x)
    x = layers.Add(name="two")([x, y])
    return _model(inputs, _end(layers.ReLU(name="last")(x)))


def squeezed():
    """A block that weighs its channels (squeeze-and-excite)."""
    inputs, x = _stem()
    y = _conv(x, 4, "one")
    weights = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(y)
    weights = layers.Dense(4, "sigmoid", name="excite")(weights)
    y = layers.Multiply(name="weighed")([y, weights])
    return _model(inputs, _end(layers.Add(name="one")([x, y])))


def stochastic_depth():
    """A block that a training leaves out at random."""
    inputs, x = _stem()
    y = layers.Dropout(0.3, noise_shape=(None, 1, 1, 1), name="drop")(
        _conv(x, 4, "one")
    )
    return _model(inputs, _end(layers.Add(name="one")([y, x])))


def operators():
    """Sums that are no layers, and other operations of `keras.ops`."""
    inputs, x = _stem()
    x = x + _conv(x, 4, "one")
    x = ops.relu(x)
    y = ops.multiply(_conv(x, 4, "two"), 0.5)
    return _model(inputs, _end(y + x))


def nested():
    """Models inside the model: a sequential one, and a block that is a functional."""
    part = keras.Input((SIZE, SIZE, 4))
    block = keras.Model(
        part, layers.Add(name="sum")([part, _conv(part, 4, "inner")]), name="block"
    )
    stem = keras.Sequential(
        [layers.Conv2D(4, 3, padding="same", name="conv"), layers.ReLU(name="relu")],
        name="stem",
    )
    inputs = keras.Input(RGB)
    return _model(inputs, _end(block(stem(inputs))))


def sequential():
    """A chain without residual blocks."""
    return randomize(
        keras.Sequential(
            [
                keras.Input(RGB),
                layers.Conv2D(4, 3, activation="relu", name="first"),
                layers.MaxPooling2D(name="halved"),
                layers.Conv2D(6, 3, activation="relu", name="second"),
                layers.Flatten(name="flat"),
                layers.Dense(CLASSES, "softmax", name="classes"),
            ],
            name="chain",
        )
    )


def dense_net():
    """Layers whose outputs stand side by side, and no sums."""
    inputs, x = _stem()
    for name in ("one", "two"):
        y = layers.ReLU(name=f"{name}_relu")(_conv(x, 3, name))
        x = layers.Concatenate(name=name)([x, y])
    return _model(inputs, _end(x))


def three_terms():
    """A block of two branches and the identity."""
    inputs, x = _stem()
    one, two = _conv(x, 4, "left"), _conv(x, 4, "right", 1)
    return _model(inputs, _end(layers.Add(name="three")([x, one, two])))


def with_preprocessing():
    """Normalises its images itself, one layer by statistics of data."""
    inputs = keras.Input(RGB)
    x = layers.Rescaling(0.5, 0.1, name="scaled")(inputs)
    normalization = layers.Normalization(name="adapted")
    normalization.adapt(images(rows=20, seed=3) * 2 + 1)
    x = _conv(normalization(x), 4, "stem")
    x = layers.Add(name="one")([x, _conv(x, 4, "one")])
    # The statistics are of data: `randomize` would change them after `adapt`.
    return keras.Model(inputs, _end(x), name="original")


# Each with the arguments that `tfdyn.wrap` needs beside it.
MODELS = {
    "residual": (residual, {}),
    "pre_activation": (pre_activation, {}),
    "squeezed": (squeezed, {}),
    "stochastic_depth": (stochastic_depth, {}),
    "operators": (operators, {}),
    "nested": (nested, {}),
    "sequential": (sequential, {"exits": 1}),
    "dense_net": (dense_net, {"exits": ["one"]}),
    "three_terms": (three_terms, {}),
    "with_preprocessing": (with_preprocessing, {}),
    "softmax": (lambda: residual(head="softmax"), {}),
    "softmax_activation": (lambda: residual(head="activation"), {}),
    "softmax_layer": (lambda: residual(head="layer"), {}),
}
# Ends that are probabilities.
SOFTMAX = ("sequential", "softmax", "softmax_activation", "softmax_layer")


def wrapped(shape=RGB, exits=("one", "two"), **arguments) -> Wrapped:
    """The residual model, with routers and exits that decide image by image."""
    arguments = {"exit_filters": 4, "units": 4, "seed": 0, **arguments}
    keras.utils.set_random_seed(0)  # Whatever tests ran before.
    return differ(wrap(residual(shape), exits=exits, **arguments))


def differ(model):
    """Makes each router, and each exit at a T near 0.5, divide the images in half."""
    random = np.random.default_rng(1)
    for router in model.routers.values():
        router.decide.kernel.assign(random.normal(size=router.decide.kernel.shape))
    gates, state = Gates(model), (images(tuple(model.input_shape[1:])),)
    for link in model.chain:
        if isinstance(link, Exit):
            _unsure(link.head, state[0], random)
        weights = gates(link, state[0], np.ones(10, "float32"))
        state = run(link, state, weights)
    routers = model.routers.values()
    for router, logits in zip(routers, gates.logits, strict=True):
        off, on = np.moveaxis(np.asarray(logits), -1, 0)
        shift = np.median(on - off, axis=0)
        router.decide.bias.assign(np.stack([shift, 0 * shift], axis=-1).ravel())
    return model


def _unsure(head, features, random):
    """Scales and moves the logits of a head: the median confidence is one half."""
    if not isinstance(head, ExitHead):
        return
    dense = head.chain[-1]
    dense.kernel.assign(random.normal(size=dense.kernel.shape))
    logits = np.asarray(head(features))
    logits = logits - logits.mean(axis=0)
    for scale in np.geomspace(1, 1e6, 99):
        confidence = np.max(ops.softmax(scale * logits), axis=-1)
        if np.median(confidence) > 0.5:
            break
    bias = dense.bias - np.mean(head(features), axis=0)
    dense.kernel.assign(scale * dense.kernel)
    dense.bias.assign(scale * bias)


def assert_same_at_1(model, wrapped, softmax=False):
    """With T=1 a wrapped model computes exactly what the original does."""
    pictures = images(tuple(model.input_shape[1:]), rows=3)
    outputs = wrapped(pictures, threshold=1.0)
    for weights in outputs["route"].values():
        np.testing.assert_array_equal(weights, np.ones(weights.shape))
    logits = outputs["logits"]
    expected = np.asarray(model(pictures, training=False))
    assert np.ptp(expected, axis=0).max() > 1e-4  # The images differ for the model.
    np.testing.assert_array_equal(ops.softmax(logits) if softmax else logits, expected)
