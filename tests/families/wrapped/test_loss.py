"""The loss of a wrapped model, by hand."""

import numpy as np
import pytest

from tfdyn.families.wrapped.loss import WrappedLoss

RANDOM = np.random.default_rng(0)
ROWS, CLASSES = 5, 4
LABELS = RANDOM.integers(0, CLASSES, ROWS)
EXITS = RANDOM.normal(size=(ROWS, 3, CLASSES)).astype("float32")
TEACHER = RANDOM.normal(size=(ROWS, CLASSES)).astype("float32")
GATES = {
    name: RANDOM.integers(0, 2, (ROWS, count)).astype("float32")
    for name, count in (("a", 1), ("b", 2), ("exit", 1))
}
COSTS = {"a": np.asarray([3.0], "float32"), "b": np.asarray([1.0, 4.0], "float32")}


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def cross_entropy(targets, logits):
    return -(targets * log_softmax(logits)).sum(axis=-1)


def one_hot(smoothing=0.0):
    return np.eye(CLASSES)[LABELS] * (1 - smoothing) + smoothing / CLASSES


def loss(outputs, **arguments):
    return float(WrappedLoss(**arguments)(LABELS, {"logits": EXITS[:, -1], **outputs}))


def of_exits(distil, smoothing=0.0, teacher=TEACHER, exits=EXITS):
    taught = np.exp(log_softmax(teacher))
    targets = (1 - distil) * one_hot(smoothing) + distil * taught
    each = cross_entropy(targets[:, None], exits)
    return (
        each[:, -1] + (each[:, :-1].mean(axis=1) if exits.shape[1] > 1 else 0)
    ).mean()


@pytest.mark.parametrize("distil", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_end_and_the_mean_of_the_exits(distil, smoothing):
    outputs = {"exit_logits": EXITS, "teacher_logits": TEACHER}
    value = loss(outputs, distil=distil, label_smoothing=smoothing)
    assert value == pytest.approx(of_exits(distil, smoothing), rel=1e-5)


def test_without_a_teacher_the_end_teaches():
    value = loss({"exit_logits": EXITS}, distil=0.5)
    assert value == pytest.approx(of_exits(0.5, teacher=EXITS[:, -1]), rel=1e-5)


def test_without_exits_only_the_end_counts():
    outputs = {"exit_logits": EXITS[:, -1:], "teacher_logits": TEACHER}
    expected = of_exits(0.5, exits=EXITS[:, -1:])
    assert loss(outputs, distil=0.5) == pytest.approx(expected, rel=1e-5)


def test_in_inference_it_is_that_of_the_logits():
    expected = cross_entropy(one_hot(), EXITS[:, -1]).mean()
    assert loss({}, distil=0.0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("target", [0.2, 0.7])
def test_the_rate_is_a_share_of_the_costs_of_the_blocks(target):
    outputs = {"exit_logits": EXITS, "teacher_logits": TEACHER, "gates": GATES}
    # What the exits decide is no rate: "exit" has no cost here.
    share = (GATES["a"] @ COSTS["a"] + GATES["b"] @ COSTS["b"]).mean() / 8
    expected = of_exits(0.5) + 3 * (share - target) ** 2
    arguments = {"costs": COSTS, "target_rate": target, "rate_weight": 3.0}
    value = loss(outputs, distil=0.5, **arguments)
    assert value == pytest.approx(expected, rel=1e-5)


def test_the_target_may_be_changed():
    loss = WrappedLoss(0.0, costs=COSTS, target_rate=1.0)
    outputs = {"exit_logits": EXITS, "gates": {"a": np.ones((ROWS, 1), "float32")}}
    outputs["gates"]["b"] = np.ones((ROWS, 2), "float32")
    outputs["logits"] = EXITS[:, -1]
    before = float(loss(LABELS, outputs))
    loss.target_rate.assign(0.4)
    assert float(loss(LABELS, outputs)) - before == pytest.approx(3.6, abs=1e-4)
