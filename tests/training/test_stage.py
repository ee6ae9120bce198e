"""Stages: their learning rates."""

import pytest
from tiny_settings import tiny_settings

from tfdyn.training.stage import sgd_stage


def rates(stage, steps):
    rate = stage.optimizer()._learning_rate
    return [float(rate(step)) for step in steps]


def test_learning_rates():
    settings = tiny_settings(pretrain_epochs=4, pretrain_learning_rate=0.1)
    cosine = sgd_stage("pretrain", settings, 10, None, {})
    assert rates(cosine, [0, 20, 40]) == pytest.approx([0.1, 0.05, 0], abs=1e-8)
    settings = tiny_settings(
        pretrain_learning_rate=0.1, learning_rate_schedule="exponential"
    )
    exponential = sgd_stage("pretrain", settings, 10, None, {})
    assert rates(exponential, [0, 9, 10, 20]) == pytest.approx(
        [0.1, 0.1, 0.097, 0.09409]
    )


def test_rates_fall_at_the_epochs_of_the_step_schedule():
    settings = tiny_settings(
        pretrain_epochs=6,
        pretrain_learning_rate=0.1,
        learning_rate_schedule="step",
        learning_rate_steps=(2, 5),
        learning_rate_decay=0.1,
    )
    stage = sgd_stage("pretrain", settings, 10, None, {})
    expected = [0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    assert rates(stage, [0, 19, 20, 49, 50, 59]) == pytest.approx(expected)
