"""Splits; the streamed one is tested with its sources."""

import numpy as np
import pytest
import tensorflow as tf

from tfdyn.data.split import InMemory, hold_out_mask

LABELS = np.repeat([0, 1, 2], [50, 20, 1])


def indices(split, order_seed=None):
    return list(split.records(order_seed).as_numpy_iterator())


def test_the_mask_is_a_share_of_every_class():
    mask = hold_out_mask(LABELS, 0.1, seed=0)
    assert np.bincount(LABELS[mask], minlength=3).tolist() == [5, 2, 0]


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_held_out_leaves_and_takes_at_least_one(share):
    counts = np.bincount(LABELS[hold_out_mask(LABELS, share, seed=0)], minlength=3)
    assert counts.tolist() == ([1, 1, 0] if share < 0.5 else [49, 19, 0])


def test_held_out_depends_on_the_seed_alone():
    first = hold_out_mask(LABELS, 0.3, seed=1)
    np.testing.assert_array_equal(first, hold_out_mask(LABELS, 0.3, seed=1))
    assert (first != hold_out_mask(LABELS, 0.3, seed=2)).any()


def test_nothing_held_out():
    assert not hold_out_mask(LABELS, 0, seed=0).any()


def test_in_memory_parts_do_not_overlap():
    rows = np.arange(71, dtype="uint8").reshape(-1, 1, 1, 1)
    parts = InMemory(rows, LABELS).hold_out(0.2, seed=0)
    pixels = [
        int(part.image_and_label(i)[0][0, 0, 0])
        for part in parts
        for i in indices(part)
    ]
    assert sorted(pixels) == list(range(71))
    for part in parts:
        for i in range(part.num_examples):
            image, label = part.image_and_label(i)
            assert label == LABELS[int(image[0, 0, 0])]


def test_order():
    split = InMemory(np.zeros((71, 1, 1, 1), "uint8"), LABELS)
    shuffled = indices(split, (0, 1))
    assert indices(split) == list(range(71)) == sorted(shuffled)
    assert shuffled == indices(split, (0, 1))
    assert shuffled != indices(split, (0, 2)) != indices(split, (1, 1))


def test_decodes_rows():
    rows = np.array(["a", "b"])
    split = InMemory(rows, [4, 5], lambda row: tf.strings.length(row + b"!"))
    image, label = split.image_and_label(1)
    assert (image, label) == (2, 5)
    assert split.hold_out(0, seed=0)[0].image_and_label(0)[0] == 2
