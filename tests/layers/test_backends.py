"""Another Keras backend, with no TensorFlow to import.

Run by itself (`KERAS_BACKEND=jax`), this file is the process that is tested.
"""

import os
import subprocess
import sys

import pytest


def run_on_jax():
    sys.modules["tensorflow"] = None

    import jax
    import keras
    import numpy as np
    from tiny_settings import two_modules

    from tfdyn.errors import UserError
    from tfdyn.families.codebook.codebook import Codebook
    from tfdyn.families.codebook.loss import CodebookLoss
    from tfdyn.families.dmnn.dmnn import DMNN
    from tfdyn.families.dmnn.rate_loss import RateLoss, category_weights
    from tfdyn.families.instanas.instanas import InstaNAS
    from tfdyn.families.instanas.policy_loss import PolicyLoss
    from tfdyn.families.networks import build_network
    from tfdyn.families.settings import Settings
    from tfdyn.layers import execution
    from tfdyn.losses.routing_loss import RoutingLoss

    assert keras.backend.backend() == "jax"
    jax.config.update("jax_platforms", "cpu")
    settings = Settings(
        network="drnet_tiny",
        num_cells=1,
        num_nodes=1,
        filters=2,
        branches=("sep_conv_3x3", "max_pool_3x3", "skip_connection"),
        threshold=0.6,
        normalized_routers=True,
        beliefs=True,
    )
    model = build_network(settings, (4, 4, 1), 2)
    labels = np.arange(16) % 2
    images = np.random.default_rng(0).normal(size=(16, 4, 4, 1)).astype("float32")
    images += labels[:, None, None, None]
    loss = RoutingLoss(model.route_cost, 0.01, "log", dependence_weight=0.1)
    model.compile(keras.optimizers.SGD(0.05), loss)
    (before,) = model.head.get_weights()[:1]
    moving = [w for w in model.weights if "moving" in w.name]
    means = [np.array(weight) for weight in moving]
    fitted = model.fit(images, labels, batch_size=8, epochs=2, verbose=0)
    for name in ("loss", "dependence"):
        assert np.isfinite(fitted.history[name]).all(), fitted.history
    assert (before != model.head.get_weights()[0]).all()
    assert moving  # Batch norm trains on the moments of the batch, and keeps them.
    for old, weight in zip(means, moving, strict=True):
        assert (old != np.asarray(weight)).any(), weight.path

    for wrong in (labels + 1, labels - 0.5, np.eye(2)[labels]):
        try:
            model.fit(images, wrong, verbose=0)
        except UserError:
            continue
        raise AssertionError(f"{wrong} passed as labels")
    loss = model.evaluate(((images, y) for y in [labels]), verbose=0)[0]
    assert np.isfinite(loss)
    # In steps that are compiled the labels of a data set are checked too. An error in a
    # step takes the weights of a model on JAX: it is a copy's.
    copy = model.for_inference()
    copy.compile("sgd")
    try:
        copy.evaluate(((images, y) for y in [labels + 1]), verbose=0)
    except jax.errors.JaxRuntimeError as error:
        assert "Labels must be whole numbers from 0 to 1" in str(error), error
    else:
        raise AssertionError("labels of a data set are not checked")
    bytes_of_images = (50 * images).astype("int32")
    expected = model(bytes_of_images.astype("float32"))["logits"]
    np.testing.assert_array_equal(model(bytes_of_images)["logits"], expected)

    settings = {"stem": "small", "category_heads": 2, "normalized_routers": True}
    dmnn = DMNN((4, 4, 1), 2, [(4, 2, 2, 1)], **settings)
    weights = category_weights(dmnn.stage_of_block)
    dmnn.compile("sgd", RateLoss(dmnn.route_cost, 0.5, [0, 1], weights))
    before = [np.array(c.decide.kernel) for c in dmnn.routers]
    fitted = dmnn.fit(images, labels, batch_size=8, verbose=0)
    assert np.isfinite(fitted.history["loss"]).all(), fitted.history
    for old, router in zip(before, dmnn.routers, strict=True):
        assert (old != np.asarray(router.decide.kernel)).any()

    base = DMNN((4, 4, 1), 2, [(4, 2, 2, 1)], stem="small", selection="none")
    routes = [[1, 1, 0, 0], [1, 1, 1, 1]]
    codebook = Codebook(base, routes, [0.5, 1.0], units=2, threshold=0.6)
    codebook.compile(keras.optimizers.SGD(0.05), CodebookLoss([(0, 1)]))
    trained = codebook.trainable_weights
    before = [np.array(weight) for weight in trained]
    fitted = codebook.fit(images, labels, batch_size=8, verbose=0)
    assert np.isfinite(fitted.history["loss"]).all(), fitted.history
    for old, weight in zip(before, trained, strict=True):
        assert (old != np.asarray(weight)).any(), weight.path
    for threshold, runs in ((1e-3, 0), (1.0, 1)):
        outputs = codebook(images, threshold=threshold)
        last = np.asarray(outputs["route"][base.mixed_ops[1].name])
        assert (last == runs).all() and np.isfinite(outputs["logits"]).all()

    with two_modules():
        sizes = {"stem_filters": 2, "head_filters": 4}
        insta = InstaNAS((4, 4, 1), 2, [(4, 1, 1)], **sizes, seed=0)
    for phase, loss in (
        ("pretrain", None),
        ("router", PolicyLoss(insta.route_cost)),
        ("meta_graph", None),
    ):
        insta.phase = phase
        part = insta.router if phase == "router" else insta.head
        before = [np.array(weight) for weight in part.trainable_weights]
        insta.compile(keras.optimizers.SGD(0.05), loss)
        fitted = insta.fit(images, labels, batch_size=8, verbose=0)
        assert np.isfinite(fitted.history["loss"]).all(), fitted.history
        for old, weight in zip(before, part.trainable_weights, strict=True):
            assert (old != np.asarray(weight)).any(), (phase, weight.path)

    dense = model(images)
    with execution.scope(execution.dispatched):
        dispatched = model(images)
    for name, weights in dense["route"].items():
        weights = np.asarray(weights)
        assert (weights == 0).any() and (weights > 0).any(), name
        np.testing.assert_allclose(weights, dispatched["route"][name], atol=1e-6)
    np.testing.assert_allclose(dispatched["logits"], dense["logits"], atol=1e-5)
    assert sys.modules["tensorflow"] is None


@pytest.mark.slow
def test_networks_train_on_jax_without_tensorflow():
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        # XLA compiles for seconds what then runs for milliseconds.
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, __file__], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    run_on_jax()
