"""RateLoss, by hand and by its gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import IMAGES, ROWS, make_dmnn

from tfdyn.families.dmnn.rate_loss import RateLoss, category_weights
from tfdyn.losses.cross_entropy import cross_entropy

RANDOM = np.random.default_rng(0)
LABELS = np.asarray([0, 1, 2, 0, 1, 2])
CATEGORIES = [1, 0, 1]
OUTPUTS = {
    "logits": RANDOM.normal(size=(6, 3)).astype("float32"),
    "category_logits": RANDOM.normal(size=(6, 2, 2)).astype("float32"),
    "route": {
        "a": (RANDOM.random((6, 2)) < 0.5).astype("float32"),
        "b": (RANDOM.random((6, 2)) < 0.8).astype("float32"),
    },
}


class Cost:
    """Stands in for a `RouteCost`."""

    branches = {"a": np.asarray([4.0, 4.0], "f4"), "b": np.asarray([1.0, 1.0], "f4")}
    all_branches = 10.0

    def expected(self, route):
        return sum(
            keras.ops.matmul(route[n], costs) for n, costs in self.branches.items()
        )


def classes(outputs=OUTPUTS):
    return np.mean(cross_entropy(LABELS, outputs["logits"]))


def without(name):
    return {key: value for key, value in OUTPUTS.items() if key != name}


def test_classes_alone():
    loss = RateLoss()(LABELS, without("category_logits"))
    assert float(loss) == pytest.approx(classes(), rel=1e-5)
    smooth = RateLoss(label_smoothing=0.2)(LABELS, without("category_logits"))
    expected = np.mean(cross_entropy(LABELS, OUTPUTS["logits"], 0.2))
    assert float(smooth) == pytest.approx(expected, rel=1e-5)


def test_categories_are_weighted_by_router():
    loss = RateLoss(categories=CATEGORIES, category_weights=[0.5, 0.01])
    labels = np.asarray(CATEGORIES)[LABELS]
    each = [
        np.mean(cross_entropy(labels, OUTPUTS["category_logits"][:, i])) for i in (0, 1)
    ]
    expected = classes() + 0.5 * each[0] + 0.01 * each[1]
    assert float(loss(LABELS, OUTPUTS)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("rate", [0.3, 0.7, 1.0])
def test_rates_are_those_of_equations_12_and_14(rate):
    a, b = (OUTPUTS["route"][name].mean() for name in "ab")
    flops = (8 * a + 2 * b) / 10
    expected = (a - rate) ** 2 + (b - rate) ** 2 + (flops - rate) ** 2
    loss = RateLoss(Cost(), rate)(LABELS, without("category_logits"))
    assert float(loss) == pytest.approx(classes() + expected, rel=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_blocks_may_have_no_target_of_their_own(weight):
    a, b = (OUTPUTS["route"][name].mean() for name in "ab")
    flops = (8 * a + 2 * b) / 10
    expected = weight * ((a - 0.3) ** 2 + (b - 0.3) ** 2) + (flops - 0.3) ** 2
    loss = RateLoss(Cost(), 0.3, block_rate_weight=weight)
    value = float(loss(LABELS, without("category_logits")))
    assert value == pytest.approx(classes() + expected, rel=1e-5)


def test_rates_may_be_those_without_noise():
    on = np.tile(np.asarray([0.9, 0.6, 0.4, 0.2], "float32"), (6, 1))
    probabilities = tf.constant(np.stack([1 - on, on], axis=-1))
    outputs = {**without("category_logits"), "choice_probabilities": probabilities}
    loss = RateLoss(Cost(), 0.3, noise_free_rates=True)
    with tf.GradientTape() as tape:
        tape.watch(probabilities)
        value = loss(LABELS, outputs)
    # Both sub-blocks of a run, and none of b, whatever the route with noise is.
    expected = classes() + 0.7**2 + 0.3**2 + (0.8 - 0.3) ** 2
    assert float(value) == pytest.approx(expected, rel=1e-5)
    slopes = tape.gradient(value, probabilities)[..., 1].numpy().sum(axis=0)
    # d/dp of the squares: that of the block's rate, and that of the whole cost.
    a, b = 2 * 0.7 / 2 + 2 * 0.5 * 0.4, -2 * 0.3 / 2 + 2 * 0.5 * 0.1
    np.testing.assert_allclose(slopes, [a, a, b, b], rtol=1e-4)


@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_the_images_that_the_network_is_sure_of_are_pushed_down(rate):
    route = {name: tf.constant(runs) for name, runs in OUTPUTS["route"].items()}
    gradients = {}
    for by_confidence in (False, True):
        loss = RateLoss(Cost(), rate, rates_by_confidence=by_confidence)
        with tf.GradientTape() as tape:
            tape.watch(route)
            value = loss(LABELS, {**without("category_logits"), "route": route})
        gradients[by_confidence] = tape.gradient(value, route), float(value)
    # The loss is the same, and so is the direction; the push is each image's own.
    assert gradients[True][1] == pytest.approx(gradients[False][1], rel=1e-6)
    scores = np.exp(OUTPUTS["logits"])
    sure = (scores / scores.sum(axis=1, keepdims=True))[np.arange(6), LABELS]
    push = sure if rate == 0.1 else 1 - sure
    for name in "ab":
        alike, own = (gradients[key][0][name].numpy() for key in (False, True))
        assert (np.sign(alike) == (1 if rate == 0.1 else -1)).all()
        np.testing.assert_allclose(own, push[:, None] * alike, rtol=1e-4)


def test_how_sure_a_network_is_does_not_learn_from_the_rates():
    logits, losses = tf.constant(OUTPUTS["logits"]), []
    for cost in (None, Cost()):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            outputs = {**without("category_logits"), "logits": logits}
            value = RateLoss(cost, 0.1, rates_by_confidence=True)(LABELS, outputs)
        losses.append(tape.gradient(value, logits).numpy())
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-7)


def test_terms_for_routers_are_added():
    outputs = {**without("category_logits"), "belief_logits": np.zeros((6, 2, 3), "f4")}
    sure = np.eye(2, dtype="float32")[LABELS % 2][:, None]
    outputs["choice_probabilities"] = sure
    loss = RateLoss(belief_weight=0.5, dependence_weight=0.25)
    shares = np.bincount(LABELS % 2) / 6
    gain = -(shares * np.log(shares)).sum() / np.log(2)
    expected = classes() + 0.5 * np.log(3) - 0.25 * gain
    assert float(loss(LABELS, outputs)) == pytest.approx(expected, rel=1e-4)


FOUR = [0] * 3 + [1] * 4 + [2] * 6 + [3] * 3


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (
            FOUR,
            [1e-4] * 3 + [1e-3] * 4 + [1e-2] * 6 + [0.1] * 3,
        ),  # The paper's ResNets.
        ([0, 0, 1, 1], [0.01, 0.01, 0.1, 0.1]),
        ([0, 1, 2], [1e-3, 0.01, 0.1]),
        ([0], [0.1]),
        (range(7), [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1]),
    ],
)
def test_the_last_stage_has_the_weight_of_the_paper_s_last_stage(stages, expected):
    assert category_weights(list(stages)) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.2, 0.9])
def test_routers_learn_the_target(rate):
    model = make_dmnn(previous_state=False)
    loss, loss_of_classes = RateLoss(model.route_cost, rate), RateLoss()
    weights = [w for c in model.routers for w in c.trainable_weights]
    optimizer = keras.optimizers.Adam(0.1)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            outputs = model(IMAGES, training=True)
            value = loss(LABELS, outputs) - loss_of_classes(LABELS, outputs)
        gradients = tape.gradient(value, [w.value for w in weights])
        optimizer.apply(gradients, weights)
        return keras.ops.mean(list(outputs["route"].values()))

    shares = [float(step()) for _ in range(100)]
    assert np.mean(shares[-40:]) == pytest.approx(rate, abs=0.1)


def test_it_is_the_loss_of_a_model():
    model = make_dmnn(category_heads=2)
    weights = category_weights(model.stage_of_block)
    loss = RateLoss(model.route_cost, 0.5, CATEGORIES, weights)
    model.compile("sgd", loss)
    before = [np.array(head.kernel) for head in model.category_heads.heads]
    model.fit(IMAGES, LABELS, batch_size=ROWS, verbose=0)
    for old, head in zip(before, model.category_heads.heads, strict=True):
        assert (old != np.asarray(head.kernel)).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target_rate": 0.0}, "at most 1; got 0"),
        ({"target_rate": 1.1}, "at most 1; got 1.1"),
        (
            {"cost": type("Free", (), {"all_branches": 0.0, "table_name": "a.json"})},
            "cost nothing at all",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        RateLoss(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"categories": CATEGORIES, "category_weights": [1.0]},
        {"category_weights": [1, 1]},
    ],
)
def test_category_heads_need_categories_and_weights(arguments):
    with pytest.raises(ValueError, match="2 routers with category heads need"):
        RateLoss(**arguments)(LABELS, OUTPUTS)


@pytest.mark.parametrize("labels", [LABELS + 1, LABELS - 1, LABELS + 0.5])
def test_labels_that_are_no_classes_are_refused(labels):
    with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
        RateLoss()(labels, {"logits": OUTPUTS["logits"]})
