"""SGD against the rules of PyTorch and of Keras."""

import keras
import numpy as np
import pytest

from tfdyn.training.sgd import SGD, clip_by_global_norm


def steps(optimizer, gradients):
    """A weight that starts at 2, after a step along each gradient."""
    weight = keras.Variable([2.0])
    optimizer.build([weight])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor([gradient])])
    return float(weight[0])


def test_decay_is_that_of_pytorch():
    # The rule of torch.optim.SGD: v = 0.9 v + (g + d w); w = w - lr v.
    weight, velocity = 2.0, 0.0
    for gradient in (1.0, -3.0, 0.5):
        velocity = 0.9 * velocity + gradient + 0.1 * weight
        weight -= 0.05 * velocity
    ours = steps(SGD(0.05, momentum=0.9, l2=0.1), (1.0, -3.0, 0.5))
    assert ours == pytest.approx(weight, rel=1e-6)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_without_decay_it_is_keras(momentum, nesterov):
    arguments = {"momentum": momentum, "nesterov": nesterov}
    ours = steps(SGD(0.1, **arguments), (1.0, -3.0, 0.5))
    theirs = steps(keras.optimizers.SGD(0.1, **arguments), (1.0, -3.0, 0.5))
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_decay_is_what_an_l2_regularizer_does():
    weights = []
    for optimizer, regularizer in (
        (SGD(0.1, momentum=0.9, nesterov=True, l2=0.02), None),
        (keras.optimizers.SGD(0.1, 0.9, True), keras.regularizers.L2(0.01)),
    ):
        keras.utils.set_random_seed(0)
        dense = keras.layers.Dense(2, kernel_regularizer=regularizer, use_bias=False)
        model = keras.Sequential([keras.layers.Input((3,)), dense])
        model.compile(optimizer, loss="mse")
        images = np.random.default_rng(0).normal(size=(8, 3))
        model.fit(images, images[:, :2], epochs=3, verbose=0)
        weights.append(dense.get_weights()[0])
    np.testing.assert_allclose(*weights, rtol=1e-5)


def apply(optimizer, gradients):
    """Weights that start at 0, after a step of learning rate 1."""
    weights = [keras.Variable(np.zeros(len(each))) for each in gradients]
    optimizer.build(weights)
    gradients = [
        keras.ops.convert_to_tensor(np.float32(gradient)) for gradient in gradients
    ]
    optimizer.apply(gradients, weights)
    return [np.asarray(weight).tolist() for weight in weights]


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        (None, [[-3.0, 0.0], [-4.0]]),
        (6.0, [[-3.0, 0.0], [-4.0]]),
        (5.0, [[-3.0, 0.0], [-4.0]]),
        (2.5, [[-1.5, 0.0], [-2.0]]),
    ],
)
def test_clips_the_norm_of_all_gradients_together(clip, expected):
    assert apply(SGD(1.0, clip=clip), [[3.0, 0.0], [4.0]]) == expected


def test_a_gradient_of_zero_is_not_divided_by_zero():
    assert apply(SGD(1.0, clip=5.0), [[0.0]]) == [[0.0]]


def test_clips_before_the_decay_as_darts_does():
    # The gradient 10 is clipped to 1, then 0.5 times the weight 2 is added.
    assert steps(SGD(0.1, l2=0.5, clip=1.0), [10.0]) == pytest.approx(2 - 0.1 * 2)


def test_a_weight_without_gradient_has_no_part_in_the_norm():
    clipped = clip_by_global_norm([None, keras.ops.ones(4)], 1.0)
    assert clipped[0] is None
    np.testing.assert_allclose(clipped[1], 0.5)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_layers_of_a_name_have_a_learning_rate_apart(momentum):
    optimizer = SGD(0.1, momentum, factors={"router": 0.5, "frozen": 0.0})
    weights = []
    for name in ("router", "frozen", "my_router"):
        with keras.name_scope("cell"), keras.name_scope(name):
            weights.append(keras.Variable([1.0], name="kernel"))
    optimizer.build(weights)
    optimizer.apply([keras.ops.ones(1)] * 3)
    steps = [1 - float(weight[0]) for weight in weights]
    assert steps == pytest.approx([0.05, 0.0, 0.1])


def test_it_is_saved_with_its_arguments():
    arguments = {"l2": 0.25, "clip": 5.0, "factors": {"router": 0.5}}
    config = keras.saving.serialize_keras_object(SGD(0.1, **arguments))
    loaded = keras.saving.deserialize_keras_object(config)
    assert {name: getattr(loaded, name) for name in arguments} == arguments
