"""PolicyLoss, by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import latency_table, make_instanas

from tfdyn.costs.route_cost import RouteCost
from tfdyn.families.instanas import policies
from tfdyn.families.instanas.policy_loss import PolicyLoss

RANDOM = np.random.default_rng(0)
LABELS = np.array([0, 1, 2, 0])


@pytest.fixture(scope="module")
def model():
    return make_instanas()


def make(model, upper, lower=0.0, **changes):
    loss = PolicyLoss(model.route_cost, **changes)
    loss.upper.assign(upper)
    loss.lower.assign(lower)
    return loss


def outputs(model, policy, right):
    wrong = (LABELS + 1) % 3
    logits = np.eye(3)[np.where(right, LABELS, wrong)]
    return {"logits": logits, "route": model.route_of(policy)}


def random_policy():
    return (RANDOM.random((4, 3, 5)) < 0.5).astype("float32")


def test_the_reward_is_a_parabola_between_the_bounds(model):
    loss = make(model, upper=100.0, lower=20.0)
    costs = np.array([60.0, 20, 100, 40, 10, 150, 80])
    gamma = ((100 - 20) / 2) ** 2
    expected = np.clip(-(costs - 100) * (costs - 20) / gamma, 0, 1)
    np.testing.assert_allclose(loss.architecture_rewards(costs), expected, atol=1e-6)
    assert list(expected) == [1, 0, 0, 0.75, 0, 0, 0.75]


def test_labels_that_are_no_classes_are_refused(model):
    loss, right = make(model, 1.0), np.ones(4, bool)
    for labels in (LABELS + 1, LABELS - 1, LABELS + 0.5, np.eye(4, 3)):
        with pytest.raises(ValueError, match="whole numbers"):
            loss.rewards(labels, outputs(model, random_policy(), right))


def test_cost_counts_only_where_the_class_is_right(model):
    policy, cost = random_policy(), model.route_cost
    z = np.asarray(cost.total(model.route_of(policy)))
    upper, lower = 1.1 * z.max(), 0.9 * z.min()
    right = np.array([True, False, True, False])
    for wrong in (0.0, -5.0):
        loss = make(model, upper, lower, right=30.0, wrong=wrong)
        shape = -(z - upper) * (z - lower) / ((upper - lower) / 2) ** 2
        expected = np.where(right, 30 * shape, wrong)
        rewards = loss.rewards(LABELS, outputs(model, policy, right))
        np.testing.assert_allclose(rewards, expected, rtol=1e-3, atol=1e-3)


def test_costs_are_those_of_the_table(model):
    cost = RouteCost(model.modules, latency_table(model))
    loss = PolicyLoss(cost)
    assert float(loss.upper) == pytest.approx(cost.fixed + cost.all_branches)
    policy = random_policy()
    z = np.asarray(cost.total(model.route_of(policy)))
    loss.upper.assign(2 * z[0])
    loss.lower.assign(0)
    rewards = np.asarray(loss.rewards(LABELS, outputs(model, policy, LABELS >= 0)))
    assert rewards[0] == pytest.approx(30, rel=1e-4)


@pytest.mark.parametrize("entropy", ["minimised", "maximised", "authors"])
def test_it_is_equation_1_with_a_baseline_and_entropy(model, entropy):
    loss = make(model, 6e5, entropy=entropy, entropy_weight=0.8)
    logits = RANDOM.normal(size=(4, 3, 5)).astype("float32")
    p = 1 / (1 + np.exp(-logits))
    explored, drawn = 0.8 * p + 0.2 * (1 - p), random_policy()
    own = outputs(model, np.round(p), np.array([True, True, False, False]))
    other = outputs(model, drawn, np.array([True, False, True, False]))
    advantage = np.asarray(loss.rewards(LABELS, other) - loss.rewards(LABELS, own))
    assert len(np.unique(advantage)) > 2
    log_probability = np.log(np.where(drawn == 1, explored, 1 - explored))
    terms = p * np.log(p) + (1 - p) * np.log(1 - p)
    if entropy == "authors":
        terms = explored * np.log(explored)
    sign = 1 if entropy == "minimised" else -1
    entropies = sign * -terms.sum(axis=(1, 2))
    expected = -advantage * log_probability.sum(axis=(1, 2)) + 0.8 * entropies
    y_pred = {
        **own,
        "router_logits": logits,
        "explored": {**other, "policy": drawn, "probabilities": explored},
    }
    np.testing.assert_allclose(loss(LABELS, y_pred), expected.mean(), rtol=1e-4)


def test_choices_that_differ_between_images_are_rewarded(model):
    drawn = random_policy()
    same = outputs(model, drawn, LABELS >= 0)
    explored = {**same, "policy": drawn, "probabilities": np.full((4, 3, 5), 0.5, "f4")}
    # The first of two choices is sure, and opens for one of four images.
    on = np.array([[1, 1], [0, 1], [0, 1], [0, 1]], "float32")
    y_pred = {**same, "explored": explored, "router_logits": np.zeros((4, 3, 5), "f4")}
    y_pred["choice_probabilities"] = np.stack([1 - on, on], axis=-1)
    values = [
        float(make(model, 6e5, entropy_weight=0.0, dependence_weight=w)(LABELS, y_pred))
        for w in (0.0, 20.0)
    ]
    gain = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    assert values[0] - values[1] == pytest.approx(20 * gain / 2, rel=1e-4)


# At p = 0.5 the binary entropy is highest. The authors' has the gradient
# -beta * (2 alpha - 1) * p (1 - p) * (log 2 - 1) with respect to a logit.
@pytest.mark.parametrize(
    ("entropy", "gradient"),
    [
        ("minimised", 0.0),
        ("maximised", 0.0),
        ("authors", 0.8 * 0.6 * 0.25 * (1 - np.log(2))),
    ],
)
def test_gradient_of_the_entropy_at_one_half(model, entropy, gradient):
    loss = make(model, 6e5, entropy=entropy, entropy_weight=0.8)
    logits = tf.Variable(np.zeros((4, 3, 5), "float32"))
    drawn = random_policy()
    # The policy of the baseline is the one that was drawn: the advantage is 0.
    same = outputs(model, drawn, LABELS >= 0)
    with tf.GradientTape() as tape:
        p = policies.exploration_probabilities(tf.sigmoid(logits), 0.8)
        explored = {**same, "policy": drawn, "probabilities": p}
        y_pred = {**same, "router_logits": logits, "explored": explored}
        value = 4 * loss(LABELS, y_pred)  # The loss is a mean over 4 images.
    gradients = tape.gradient(value, logits)
    np.testing.assert_allclose(gradients, np.full((4, 3, 5), gradient), atol=1e-6)


def test_what_was_better_than_the_baseline_gets_likelier(model):
    loss = make(model, 6e5, entropy_weight=0.0)
    logits = tf.Variable(np.zeros((4, 3, 5), "float32"))
    drawn, good = random_policy(), np.array([True, False, True, False])
    own, other = outputs(model, drawn, ~good), outputs(model, drawn, good)
    with tf.GradientTape() as tape:
        explored = {**other, "policy": drawn, "probabilities": tf.sigmoid(logits)}
        value = loss(LABELS, {**own, "router_logits": logits, "explored": explored})
    step = -np.asarray(tape.gradient(value, logits))
    towards = np.sign(drawn - 0.5)
    np.testing.assert_array_equal(np.sign(step[good]), towards[good])
    np.testing.assert_array_equal(np.sign(step[~good]), -towards[~good])


def test_refuses(model):
    with pytest.raises(ValueError, match="minimised, maximised, authors; got 'kept'"):
        PolicyLoss(model.route_cost, entropy="kept")
    table = latency_table(model)
    for entry in table.modules.values():
        entry["cost"] = 0.0
    table.gate = {"taken": 0.0, "not_taken": 0.0}
    with pytest.raises(ValueError, match="cost nothing at all"):
        PolicyLoss(RouteCost(model.modules, table))


def test_the_bounds_are_no_weights_of_a_model(model):
    loss = PolicyLoss(model.route_cost)
    assert isinstance(loss.upper, keras.Variable) and not loss.upper.trainable
    assert not any(weight is loss.upper for weight in model.weights)
