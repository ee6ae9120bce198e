"""Noise: parts of a batch draw what the whole would."""

import keras
import numpy as np
import pytest

from tfdyn.routing import noise, selection


def rows(part, parts):
    return lambda size: part + parts * np.arange(size)


def test_uniform_is_keras_outside_a_scope():
    ours = noise.uniform((4, 3), 7, minval=0.5)
    np.testing.assert_array_equal(ours, keras.random.uniform((4, 3), 0.5, seed=7))


@pytest.mark.parametrize(
    "draw",
    [
        lambda size: noise.uniform((size, 2), 1),
        lambda size: selection.gumbel_noise((size, 3, 5), 1),
        lambda size: selection.drop_branches(np.zeros((size, 3, 5)), 0.5, 1),
        lambda size: selection.drop_connections(np.ones((size, 3, 5)), 0.5, 1),
    ],
    ids=["uniform", "gumbel_noise", "drop_branches", "drop_connections"],
)
def test_parts_draw_what_the_whole_would(draw):
    whole = keras.ops.convert_to_numpy(draw(6))
    assert len(np.unique(whole.reshape(6, -1), axis=0)) > 1
    for part in range(3):
        with noise.scope(3, rows(part, 3)):
            np.testing.assert_allclose(draw(2), whole[part::3], rtol=1e-5)


def test_a_scope_ends():
    with pytest.raises(KeyError), noise.scope(2, rows(0, 2)):
        raise KeyError
    np.testing.assert_array_equal(
        noise.uniform((4, 3), 7), keras.random.uniform((4, 3), seed=7)
    )


def gather_of(values, parts):
    """Gives a part all rows: here those of the parts one after the other."""
    order = np.concatenate(
        [np.arange(len(values))[part::parts] for part in range(parts)]
    )

    def gather(part_rows):
        whole = np.arange(len(values)) if len(part_rows.shape) == 1 else values
        return whole[order]

    return gather


def test_parts_are_shuffled_as_the_whole_would_be():
    values = np.random.default_rng(0).random((6, 2)).astype("float32")
    whole = np.asarray(noise.shuffled(values, 1))
    assert (whole != values).any()
    np.testing.assert_array_equal(np.sort(whole, axis=0), np.sort(values, axis=0))
    for part in range(3):
        with noise.scope(3, rows(part, 3), gather_of(values, 3)):
            shuffled = noise.shuffled(values[part::3], 1)
        np.testing.assert_array_equal(shuffled, whole[part::3])
