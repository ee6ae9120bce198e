"""RoutingLoss, by hand and by its gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdyn.families.drnet.drnet import DRNet
from tfdyn.losses.routing_loss import RoutingLoss

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(6, 4)).astype("float32")
# Right in the first four examples, wrong in the last two.
LABELS = np.concatenate([LOGITS[:4].argmax(axis=1), LOGITS[4:].argmin(axis=1)])
RIGHT = np.arange(6) < 4
AUXILIARY = RANDOM.normal(size=(6, 4)).astype("float32")
ROUTE = {"op": RANDOM.dirichlet([1, 1, 1], 6).astype("float32")}
COSTS = np.asarray([100.0, 10.0, 1.0])
EXPECTED = ROUTE["op"] @ COSTS


class Cost:
    """Stands in for a `RouteCost`."""

    all_branches = float(COSTS.sum())

    def expected(self, route):
        return keras.ops.matmul(route["op"], COSTS.astype("float32"))


def cross_entropy(logits, smoothing=0.0):
    shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    targets = np.eye(4)[LABELS] * (1 - smoothing) + smoothing / 4
    return -(targets * shares).sum(axis=1)


@pytest.mark.parametrize(
    ("arguments", "outputs", "expected"),
    [
        ({}, {}, cross_entropy(LOGITS)),
        ({"label_smoothing": 0.1}, {}, cross_entropy(LOGITS, 0.1)),
        (
            {"auxiliary_weight": 0.3, "label_smoothing": 0.1},
            {"auxiliary_logits": AUXILIARY},
            cross_entropy(LOGITS, 0.1) + 0.3 * cross_entropy(AUXILIARY, 0.1),
        ),
        (
            {},
            {"auxiliary_logits": AUXILIARY},
            cross_entropy(LOGITS) + 0.4 * cross_entropy(AUXILIARY),
        ),
        (
            {"cost": Cost(), "cost_weight": 0.2, "form": "log"},
            {},
            cross_entropy(LOGITS) + 0.2 * np.log(EXPECTED) * RIGHT,
        ),
        (
            {"cost": Cost(), "cost_weight": 0.2, "form": "share"},
            {},
            cross_entropy(LOGITS) + 0.2 * EXPECTED / 111 * RIGHT,
        ),
        ({"cost": Cost(), "cost_weight": 0.0}, {}, cross_entropy(LOGITS)),
    ],
)
def test_value(arguments, outputs, expected):
    outputs = {"logits": LOGITS, "route": ROUTE, **outputs}
    loss = RoutingLoss(**arguments)
    np.testing.assert_allclose(loss.call(LABELS, outputs), expected, rtol=1e-5)
    assert float(loss(LABELS, outputs)) == pytest.approx(expected.mean(), rel=1e-5)


def test_a_route_that_costs_nothing_is_not_worth_infinitely_much():
    class Free(Cost):
        def expected(self, route):
            return keras.ops.zeros((6,))

    loss = RoutingLoss(Free(), cost_weight=0.2)
    value = loss(LABELS, {"logits": LOGITS, "route": ROUTE})
    assert np.isfinite(float(value))


def test_labels_may_be_a_column_and_examples_weighted():
    outputs = {"logits": LOGITS, "route": ROUTE}
    weights = np.asarray([1, 0, 0, 0, 0, 0], "float32")
    loss = RoutingLoss()(LABELS.reshape(-1, 1), outputs, sample_weight=weights)
    assert float(loss) == pytest.approx(cross_entropy(LOGITS)[0] / 6, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"form": "sqrt"}, "log, share; got 'sqrt'"),
        ({"cost_weight": 0.1}, "cost_weight of 0.1 needs a cost"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        RoutingLoss(**arguments)


@pytest.fixture(scope="module")
def model():
    model = DRNet((8, 8, 1), 3, num_cells=2, filters=4, num_nodes=1)
    model.selection.drop_branch.assign(0.5)
    return model


@pytest.mark.parametrize("form", ["log", "share"])
@pytest.mark.parametrize("right", [True, False])
def test_the_price_teaches_routers_on_examples_that_are_right(model, form, right):
    images = np.random.default_rng(0).random((8, 8, 8, 1), "float32")
    priced = RoutingLoss(model.route_cost, 1.0, form)
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        labels = np.asarray(outputs["logits"]).argmax(axis=1)
        labels = labels if right else (labels + 1) % 3
        price = priced(labels, outputs) - RoutingLoss()(labels, outputs)
    routers = [cell.router.trainable_weights for cell in model.cells]
    gradients = tape.gradient(price, [w.value for w in sum(routers, [])])
    # The last bias of each router, through which all its logits pass.
    taught = [np.abs(gradients[len(routers[0]) - 1]).max(), np.abs(gradients[-1]).max()]
    assert (min(taught) > 1e-6) if right else (max(taught) == 0)
