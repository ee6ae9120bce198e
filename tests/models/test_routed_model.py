"""RoutedModel: what holds for every family, shown on the smallest."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from tiny_networks import IMAGES, assert_same, make, make_dmnn, make_instanas, run

from tfdyn.layers import execution
from tfdyn.layers.mixed_op import MixedOp
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.models.routed_model import RoutedModel
from tfdyn.routing.selection import threshold_route

FEATURES = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
LABELS = (FEATURES[:, 0] > 0).astype("int32")


@keras.saving.register_keras_serializable("test_routed_model")
class Smallest(RoutedModel):
    """One MixedOp of a cheap and an expensive branch, on four features."""

    def __init__(self, threshold=1.0, **kwargs):
        super().__init__({"num_classes": 2}, threshold=threshold, **kwargs)
        self.router = layers.Dense(2)
        self.router.kind = "router"
        branches = [
            layers.Dense(3, use_bias=False, name="cheap"),
            keras.Sequential(
                [layers.Dense(8, use_bias=False), layers.Dense(3)], name="expensive"
            ),
        ]
        self.mixed_ops = [MixedOp(branches, name="op")]
        self.head = layers.Dense(2, use_bias=False)
        self.head.kind = "head"
        self.router.build((None, 4))
        self.mixed_ops[0].build((None, 4))
        self.head.build((None, 3))
        self.finish()

    def call(self, images, route=None, threshold=None, training=False):
        if route is None:
            weights = ops.softmax(self.router(images))
            if not training:
                threshold = self.threshold if threshold is None else threshold
                weights = threshold_route(weights, threshold)
            route = {"op": weights}
        outputs = self.mixed_ops[0](images, route["op"])
        return {"logits": self.head(outputs), "route": route}

    def get_config(self):
        return {"name": self.name, "threshold": self.threshold}


FIXED = 4 * 2 + 3 * 2
CHEAP, EXPENSIVE = 4 * 3, 4 * 8 + 8 * 3


@pytest.fixture
def model():
    return Smallest()


def compiled(model, **kwargs):
    model.compile("adam", jit_compile=False, **kwargs)
    return model


def test_cost_of_a_route(model):
    assert model.route_cost.fixed == FIXED
    np.testing.assert_array_equal(model.route_cost.branches["op"], [CHEAP, EXPENSIVE])


def test_fit_by_plain_keras_learns(model):
    model.compile(keras.optimizers.Adam(0.05), jit_compile=False)
    fitted = model.fit(FEATURES, LABELS, epochs=20, batch_size=20, verbose=0)
    assert fitted.history["loss"][-1] < 0.5 * fitted.history["loss"][0]
    results = model.evaluate(FEATURES, LABELS, verbose=0, return_dict=True)
    assert results["accuracy"] > 0.9


def test_a_price_on_cost_makes_routes_cheap(model):
    loss = RoutingLoss(model.route_cost, 1.0, "share")
    model.compile(keras.optimizers.Adam(0.05), loss, jit_compile=False)
    model.fit(FEATURES, LABELS, epochs=30, batch_size=20, verbose=0)
    assert np.mean(model.predict(FEATURES, verbose=0)["route"]["op"][:, 0]) > 0.9


@pytest.mark.parametrize("threshold", [0.01, 1.0])
def test_metrics(model, threshold):
    model.threshold = threshold
    results = compiled(model).evaluate(FEATURES, LABELS, verbose=0, return_dict=True)
    outputs = model(FEATURES)
    use = np.asarray(outputs["route"]["op"]).mean(axis=0)
    predicted = np.asarray(outputs["logits"]).argmax(axis=1)
    expected = {
        "accuracy": (predicted == LABELS).mean(),
        "expected_macs": FIXED + use @ [CHEAP, EXPENSIVE],
        "loss": float(RoutingLoss()(LABELS, outputs)),
        "use_cheap": use[0],
        "use_expensive": use[1],
    }
    assert results == pytest.approx(expected, rel=1e-5)


def test_metrics_may_be_chosen(model):
    top = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top")
    compiled(model, metrics=[top])
    assert model.evaluate(FEATURES, LABELS, verbose=0, return_dict=True)["top"] == 1


def test_regularisation_is_in_the_loss(model):
    outputs = model(FEATURES)
    plain = compiled(model).compute_loss(FEATURES, LABELS, outputs)
    model.head.kernel.regularizer = keras.regularizers.L2(0.5)
    loss = model.compute_loss(FEATURES, LABELS, outputs)
    kernel = model.head.get_weights()[0]
    assert float(loss - plain) == pytest.approx(0.5 * (kernel**2).sum(), rel=1e-4)


def test_a_new_threshold_holds_after_an_evaluation(model):
    def macs():
        results = model.evaluate(FEATURES, LABELS, verbose=0, return_dict=True)
        route = model.predict(FEATURES, verbose=0)["route"]["op"]
        return results["expected_macs"], (route > 0).sum()

    compiled(model)
    all_branches = macs()
    model.threshold = 0.01
    assert all_branches[1] == 80 and macs()[1] == 40
    assert macs()[0] != pytest.approx(all_branches[0])


@pytest.mark.parametrize("threshold", [0, 1.5, -1, [], [0.5, 0]])
def test_a_threshold_outside_0_1_is_refused(model, threshold):
    with pytest.raises(ValueError, match="0 < T <= 1"):
        model.threshold = threshold
    with pytest.raises(ValueError, match="0 < T <= 1"):
        Smallest(threshold)


def test_thresholds_are_one_a_mixed_op(model):
    model.mixed_ops = model.mixed_ops * 3
    np.testing.assert_allclose(model.thresholds(0.5), [0.5] * 3)
    np.testing.assert_allclose(model.thresholds([0.1, 0.2, 1]), [0.1, 0.2, 1])
    model.threshold = 0.7
    np.testing.assert_allclose(model.thresholds(), [0.7] * 3)
    with pytest.raises(ValueError, match="each of the 3 connections; got 2"):
        model.thresholds(np.ones(2))
    with pytest.raises(ValueError, match="0 < T <= 1"):
        model.thresholds([0.5, 0.5, 0])
    np.testing.assert_allclose(model.thresholds(np.float32(0.5)), [0.5] * 3)
    np.testing.assert_allclose(model.thresholds("0.5"), [0.5] * 3)
    for wrong in (np.float32("nan"), np.float64(7), np.array([0.5, -1, 1]), "x", 1j):
        with pytest.raises(ValueError, match="0 < T <= 1"):
            model.thresholds(wrong)


@pytest.mark.parametrize("threshold", [0.7, [0.7]])
def test_a_trained_model_is_saved_and_loaded(model, threshold, tmp_path):
    model.threshold = threshold
    compiled(model).fit(FEATURES, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    # Warnings are errors: none speaks of a compilation that did not happen.
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.threshold == model.threshold == threshold
    for ours, theirs in zip(
        keras.tree.flatten(loaded(FEATURES)),
        keras.tree.flatten(model(FEATURES)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_second_compilation_keeps_the_metrics(model):
    compiled(model).evaluate(FEATURES, LABELS, verbose=0)
    names = [metric.name for metric in compiled(model).metrics]
    assert len(set(names)) == len(names)
    compiled(model).evaluate(FEATURES, LABELS, verbose=0)


def test_a_graph_keeps_the_execution_of_its_trace(model):
    ran = []

    def recorded(*arguments):
        ran.append("op")
        return execution.dense(*arguments)

    compiled(model)
    with execution.scope(recorded):
        model.evaluate(FEATURES, LABELS, verbose=0)
    traced = len(ran)
    model.evaluate(FEATURES, LABELS, verbose=0)
    assert len(ran) == traced > 0


@pytest.mark.parametrize("make", [make, make_dmnn, make_instanas])
def test_a_user_s_image_data_format_changes_nothing(make):
    expected = make()
    keras.config.set_image_data_format("channels_first")
    try:
        model = make()
    finally:
        keras.config.set_image_data_format("channels_last")
    model.set_weights(expected.get_weights())
    assert_same(run(model, IMAGES), run(expected, IMAGES))
