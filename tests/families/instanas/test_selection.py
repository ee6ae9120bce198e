"""PolicySelection: thresholds, fallbacks and draws."""

import numpy as np
import pytest
from keras import ops

from tfdyn.families.instanas.selection import PolicySelection

LOGITS = np.random.default_rng(0).normal(size=(50, 3, 5)).astype("float32")
FALLBACKS = [4, None, 0]


def make(**changes):
    layer = PolicySelection(**{"fallbacks": FALLBACKS, "seed": 0, **changes})
    layer.build((None, 3, 5))
    return layer


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_a_module_runs_where_its_probability_of_not_running_is_below_t(threshold):
    selection = make(fallbacks=[None] * 3)
    off = 1 / (1 + np.exp(LOGITS))
    np.testing.assert_array_equal(
        selection(LOGITS, threshold=threshold), off < threshold
    )


def test_t_of_1_runs_all_and_t_may_differ_by_cell():
    selection = make(fallbacks=[None] * 3)
    sure = np.full((2, 3, 5), -1e9, "float32")
    assert (np.asarray(selection(sure, threshold=1.0)) == 1).all()
    policy = np.asarray(selection(sure, threshold=np.array([0.5, 1, 0.9])))
    np.testing.assert_array_equal(policy.sum(axis=(0, 2)), [0, 10, 0])


def test_cells_fall_back_where_none_is_selected():
    policy = np.asarray(make()(np.full((2, 3, 5), -9.0, "float32")))
    expected = np.zeros((3, 5))
    expected[0, 4] = expected[2, 0] = 1
    np.testing.assert_array_equal(policy, [expected] * 2)
    policy = np.asarray(make()(LOGITS))
    assert (policy.sum(axis=-1)[:, [0, 2]] > 0).all()
    selected = LOGITS > 0
    some = selected.any(axis=-1, keepdims=True)
    np.testing.assert_array_equal(policy * some, selected)


def test_drops_leave_the_share_of_modules_that_is_said():
    selection = make()
    assert (np.asarray(selection.drop(6)) == 1).all()
    selection.drop_rate.assign(0.5)
    routes = np.asarray(selection.drop(2000))
    assert routes[:, 1].mean() == pytest.approx(0.5, abs=0.02)
    assert (routes[:, [0, 2]].sum(axis=-1) > 0).all()
    assert (routes != np.asarray(selection.drop(2000))).any()


def test_exploration_draws_from_encouraged_probabilities():
    selection = make(alpha=0.7)
    sure = np.broadcast_to(np.array([9.0, -9, 9, -9, 0], "float32"), (4000, 3, 5))
    drawn, probabilities = map(np.asarray, selection.explore(sure))
    np.testing.assert_allclose(
        probabilities[0, 0], [0.7, 0.3, 0.7, 0.3, 0.5], atol=1e-3
    )
    np.testing.assert_allclose(drawn.mean(axis=(0, 1)), probabilities[0, 0], atol=0.03)


@pytest.mark.parametrize("alpha", [0.4, 1.1])
def test_an_alpha_out_of_range_is_an_error(alpha):
    with pytest.raises(ValueError, match=f"from 0.5 .* to 1 .*; got {alpha}"):
        make(alpha=alpha)


def test_a_wrong_number_of_fallbacks_is_an_error():
    with pytest.raises(ValueError, match="each of the 3 cells; got 1"):
        make(fallbacks=[None])


def test_its_weights_carry_no_gradient_and_it_is_plain_keras():
    selection = make()
    assert [weight.path.split("/")[-1] for weight in selection.weights] == ["drop_rate"]
    assert not selection.trainable_weights
    assert ops.shape(selection(LOGITS)) == selection.compute_output_shape(LOGITS.shape)
