"""Batches of a data set, on the digits."""

import numpy as np
import pytest

from tfdyn.data.augmentation import Augmentation
from tfdyn.data.dataset import load, shape_of

AUGMENTATION = Augmentation(autoaugment="cifar10", cutout=4)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def arrays(batches):
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def test_splits(digits):
    counts = [digits.num_examples(s) for s in ("train", "validation", "test")]
    assert sum(counts) == 1797
    assert counts[2] == 360 and abs(counts[1] - 143.7) < 5


def test_evaluation_sees_every_example_once_in_one_order(digits):
    images, labels = arrays(digits.batches("test", 100))
    again, _ = arrays(digits.batches("test", 7, seed=3, epoch=4))
    assert images.shape == (360, 8, 8, 1) and images.dtype == "float32"
    assert labels.shape == (360,) and labels.dtype == "int32"
    np.testing.assert_array_equal(images, again)


def test_splits_do_not_overlap(digits):
    # Some digits were drawn alike; they are few.
    seen = [
        {image.tobytes() for image in arrays(digits.batches(split, 500))[0]}
        for split in ("train", "validation", "test")
    ]
    assert sum(map(len, seen)) - len(set.union(*seen)) < 5


def test_a_resumed_epoch_is_the_same(digits):
    def epoch(dataset, **key):
        return arrays(dataset.batches("train", 64, AUGMENTATION, shuffle=True, **key))

    images, labels = epoch(digits, seed=1, epoch=2)
    again, labels_again = epoch(load("digits"), seed=1, epoch=2)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, labels_again)
    for other in ({"seed": 1, "epoch": 3}, {"seed": 2, "epoch": 2}):
        other_images, other_labels = epoch(digits, **other)
        assert (labels != other_labels).any()
        assert sorted(labels) == sorted(other_labels)
        assert (images != other_images).any()


def test_shuffling_keeps_images_with_their_labels(digits):
    plain = zip(*arrays(digits.batches("train", 100)), strict=True)
    label_of = {image.tobytes(): label for image, label in plain}
    for image, label in zip(
        *arrays(digits.batches("train", 100, shuffle=True)), strict=True
    ):
        assert label_of[image.tobytes()] == label


def test_augmentation_varies_with_the_position_alone(digits):
    plain, _ = arrays(digits.batches("train", 100))
    varied, _ = arrays(digits.batches("train", 100, Augmentation()))
    rebatched, _ = arrays(digits.batches("train", 33, Augmentation()))
    assert (plain != varied).any(axis=(1, 2, 3)).mean() > 0.8
    np.testing.assert_array_equal(varied, rebatched)


def test_drop_remainder(digits):
    assert len(digits.batches("test", 100)) == 4
    batches = digits.batches("test", 100, drop_remainder=True)
    assert len(batches) == 3
    assert batches.element_spec[0].shape == (100, 8, 8, 1)


def test_no_thread_tunes_batches(digits):
    # It may hold up the end of each epoch until it wakes up.
    assert digits.batches("train", 64).options().autotune.enabled is False


def test_validation_does_not_depend_on_the_run(digits):
    first, _ = arrays(digits.batches("validation", 100))
    same, _ = arrays(load("digits").batches("validation", 100))
    other, _ = arrays(load("digits", seed=1).batches("validation", 100))
    np.testing.assert_array_equal(first, same)
    assert first.shape != other.shape or (first != other).any()


def test_no_validation():
    dataset = load("digits", validation_share=0)
    assert dataset.num_examples("validation") == 0
    assert dataset.num_examples("train") == 1437
    with pytest.raises(ValueError, match="validation_share"):
        dataset.batches("validation", 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("other", 10), "split='other'"),
        (("train", 0), "batch_size=0"),
        (("test", 361, None, 0, 0, False, True), "drop_remainder"),
    ],
)
def test_batches_refuses(digits, arguments, message):
    with pytest.raises(ValueError, match=message):
        digits.batches(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "mnist"}, "mnist"),
        ({"name": "digits", "validation_share": 1}, "validation_share"),
        ({"name": "digits", "validation_share": -0.1}, "validation_share"),
        ({"name": "digits", "validation_share": float("nan")}, "validation_share"),
        ({"name": "digits", "image_size": 0}, "image_size"),
        ({"name": "digits", "image_size": 100_000}, "from 1 to 2048"),
        ({"name": "digits", "data_dir": "somewhere"}, "data_dir"),
        ({"name": "folder"}, "data_dir"),
    ],
)
def test_load_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        load(**arguments)


def test_shape_of():
    assert shape_of("digits") == ((8, 8, 1), 10)
    assert shape_of("digits", None, 16) == (
        load("digits", None, 16).batches("test", 1).element_spec[0].shape[1:],
        10,
    )
    with pytest.raises(ValueError, match="mnist"):
        shape_of("mnist")
