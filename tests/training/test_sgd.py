"""SGD against the rules of PyTorch and of Keras."""

import keras
import numpy as np
import pytest

from tfdyn.training.sgd import SGD


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


def test_it_is_saved_with_its_decay():
    config = keras.saving.serialize_keras_object(SGD(0.1, l2=0.25))
    assert keras.saving.deserialize_keras_object(config).l2 == 0.25
