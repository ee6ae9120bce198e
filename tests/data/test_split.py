"""Splits; the streamed one is tested with its sources."""

import numpy as np
import pytest
import tensorflow as tf

from tfdyn.data.held_out import hold_out_mask, hold_out_mask_by_name
from tfdyn.data.split import InMemory

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


def held_out(names, share=0.2, seed=0):
    labels = np.zeros(len(names), int)
    mask = hold_out_mask_by_name(names, labels, share, seed)
    return {name for name, out in zip(names, mask, strict=True) if out}


NAMES = [f"{number}.jpg" for number in range(2000)]


def test_an_image_stays_on_its_side_when_others_come_and_go():
    first = held_out(NAMES)
    assert 340 < len(first) < 460
    assert held_out(["00new.jpg", *NAMES, "z.jpg"]) - {"00new.jpg", "z.jpg"} == first
    assert held_out(NAMES[::-3]) == first & {*NAMES[::-3]}
    assert len(held_out(NAMES, seed=1) & first) < 120


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_by_name_too_a_class_leaves_and_gives_at_least_one(share):
    for count in (2, 3, 10):
        assert 0 < len(held_out(NAMES[:count], share)) < count
    assert held_out(NAMES[:1], share) == held_out(NAMES, 0) == set()


def test_names_stay_with_their_images():
    rows = np.arange(200, dtype="uint8").reshape(-1, 1, 1, 1)
    split = InMemory(rows, np.zeros(200, int), names=NAMES[:200])
    not_test, test = split.hold_out(0.2, seed=-1)
    train, validation = not_test.hold_out(0.1, seed=0)

    def names(part):
        return {NAMES[int(part.image_and_label(i)[0][0, 0, 0])] for i in indices(part)}

    assert names(test) == held_out(NAMES[:200], seed=-1)
    assert names(validation) == held_out(NAMES[:200], 0.1) - names(test)
    assert len(names(train) | names(validation) | names(test)) == 200


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
