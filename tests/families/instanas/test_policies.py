"""Policies, by hand."""

import numpy as np
import pytest

from tfdyn.families.instanas import policies

RANDOM = np.random.default_rng(0)
P = RANDOM.random((6, 3, 4), "float32")


def test_encouragement_mixes_p_with_its_opposite():
    np.testing.assert_allclose(
        policies.exploration_probabilities(P, 0.8), 0.8 * P + 0.2 * (1 - P), atol=1e-6
    )
    np.testing.assert_allclose(policies.exploration_probabilities(P, 1.0), P)
    np.testing.assert_allclose(
        policies.exploration_probabilities(P, 0.5), 0.5 + 0 * P, atol=1e-6
    )


def test_samples_have_their_probabilities():
    p = np.broadcast_to(P[0], (4000, 3, 4))
    drawn = np.asarray(policies.sample(p, 1))
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_allclose(drawn.mean(axis=0), P[0], atol=0.04)
    # Each by itself.
    np.testing.assert_allclose(
        np.corrcoef(drawn.reshape(4000, -1).T), np.eye(12), atol=0.08
    )


def test_a_fallback_is_added_only_where_nothing_is_selected():
    policy = np.zeros((3, 2, 3), "float32")
    policy[1, 0, 2] = policy[2, :, 0] = 1
    fallback = np.array([[0, 1, 0], [0, 0, 0]], "float32")
    route = np.asarray(policies.with_fallback(policy, fallback))
    expected = policy.copy()
    expected[0, 0, 1] = 1
    np.testing.assert_array_equal(route, expected)


def test_log_probability_and_entropy_are_sums_over_modules():
    policy = (RANDOM.random(P.shape) < 0.5).astype("float32")
    of_each = np.where(policy == 1, P, 1 - P)
    expected = np.log(of_each).sum(axis=(1, 2))
    np.testing.assert_allclose(policies.log_probability(policy, P), expected, rtol=1e-5)
    expected = -(P * np.log(P) + (1 - P) * np.log(1 - P)).sum(axis=(1, 2))
    np.testing.assert_allclose(policies.entropy(P), expected, rtol=1e-4)
    sure = np.round(P)
    np.testing.assert_allclose(policies.entropy(sure), 0, atol=1e-6)
    assert np.isfinite(policies.log_probability(1 - sure, sure)).all()


def test_one_sided_entropy_lacks_the_modules_that_do_not_run():
    expected = -(P * np.log(P)).sum(axis=(1, 2))
    np.testing.assert_allclose(policies.one_sided_entropy(P), expected, rtol=1e-4)
    grid = np.linspace(0.2, 0.8, 601).reshape(-1, 1, 1).astype("float32")
    most = grid[np.argmax(policies.one_sided_entropy(grid)), 0, 0]
    assert most == pytest.approx(1 / np.e, abs=1e-3)


@pytest.mark.parametrize(
    ("kinds", "expected"), [([0, 0, 0, 0], 1), ([0, 1, 2, 3], 0), ([0, 0, 1, 1], 1 / 3)]
)
def test_sameness_is_the_share_of_equal_pairs(kinds, expected):
    different = (RANDOM.random((4, 17, 5)) < 0.5).astype("float32")
    assert float(policies.sameness(different[kinds])) == pytest.approx(expected)
