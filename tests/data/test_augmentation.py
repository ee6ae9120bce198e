"""Augmentation of one image."""

import numpy as np
import pytest
import tensorflow as tf

from tfdyn.data import augmentation
from tfdyn.data.augmentation import (
    Augmentation,
    center_crop,
    crop_and_resize,
    cutout,
    jitter_colors,
    pad_and_crop,
)
from tfdyn.data.input_format import InputFormat

FORMAT = InputFormat(("a", "b"), (32, 32, 3), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
IMAGE = np.random.default_rng(0).integers(1, 256, (32, 32, 3), "uint8")
SEEDS = [(i, 7) for i in range(64)]


def test_nothing_is_normalisation_alone():
    augmented = Augmentation(crop="none", flip=False)(
        tf.constant(IMAGE), (0, 0), FORMAT
    )
    np.testing.assert_array_equal(augmented, FORMAT.normalize(IMAGE))


@pytest.mark.parametrize("crop", ["pad", "resized", "none"])
@pytest.mark.parametrize("policy", ["none", "cifar10", "imagenet"])
def test_the_seed_decides_everything(crop, policy):
    augment = tf.function(
        lambda seed: Augmentation(crop, True, policy, 8)(
            tf.constant(IMAGE), seed, FORMAT
        )
    )
    results = [augment(tf.constant(seed)) for seed in SEEDS[:8]]
    assert results[0].shape == (32, 32, 3) and results[0].dtype == tf.float32
    np.testing.assert_array_equal(results[0], augment(tf.constant(SEEDS[0])))
    assert len({result.numpy().tobytes() for result in results}) == 8


def test_flip_mirrors_about_half():
    augment = Augmentation(crop="none")
    plain = FORMAT.normalize(IMAGE)
    mirrored = 0
    for seed in SEEDS:
        result = augment(tf.constant(IMAGE), seed, FORMAT).numpy()
        is_mirrored = np.array_equal(result, plain[:, ::-1])
        assert is_mirrored or np.array_equal(result, plain)
        mirrored += is_mirrored
    assert 20 < mirrored < 44


def test_pad_and_crop_shifts_and_fills_with_black():
    padded = np.pad(IMAGE, [(4, 4), (4, 4), (0, 0)])
    shifts = set()
    for seed in SEEDS:
        crop = pad_and_crop(tf.constant(IMAGE), 4, seed).numpy()
        matches = [
            (y, x)
            for y in range(9)
            for x in range(9)
            if np.array_equal(padded[y : y + 32, x : x + 32], crop)
        ]
        assert len(matches) == 1
        shifts.update(matches)
    assert {y for y, _ in shifts} == {x for _, x in shifts} == set(range(9))


@pytest.mark.parametrize(("size", "reach"), [(32, 4), (8, 1)])
def test_pads_an_eighth_of_the_size(size, reach):
    input_format = InputFormat(("a", "b"), (size, size, 1), (0.0,), (1.0,))
    white = tf.fill((size, size, 1), tf.constant(255, tf.uint8))
    black = [
        (Augmentation()(white, seed, input_format).numpy() == 0).all(axis=(1, 2)).sum()
        for seed in SEEDS
    ]
    assert max(black) == reach


def test_crop_and_resize_takes_a_part_of_the_area():
    # The coordinates as colours show which part it is.
    rows, columns = np.indices((100, 200))
    image = np.stack([rows, columns, columns], -1).astype("uint8")
    areas, ratios = [], []
    for seed in SEEDS:
        crop = crop_and_resize(tf.constant(image), 50, seed).numpy().astype(int)
        assert crop.shape == (50, 50, 3)
        height = (crop[-1, 0, 0] - crop[0, 0, 0]) * 50 / 49
        width = (crop[0, -1, 1] - crop[0, 0, 1]) * 50 / 49
        areas.append(height * width / 20000)
        ratios.append(width / height)
    assert 0.07 < min(areas) < 0.2 and 0.4 < max(areas) < 1.02
    assert 0.7 < min(ratios) < 0.85 and 1.15 < max(ratios) < 1.4


@pytest.mark.parametrize("shape", [(64, 64, 3), (64, 128, 3), (96, 48, 3), (20, 33, 3)])
def test_center_crop(shape):
    # Symmetric about its middle, and so is the crop.
    rows, columns = np.indices(shape[:2])
    ramp = np.minimum(columns, shape[1] - 1 - columns) + np.minimum(
        rows, shape[0] - 1 - rows
    )
    image = np.repeat(ramp[..., None], 3, -1).astype("uint8")
    crop = center_crop(tf.constant(image), 28).numpy().astype(int)
    assert crop.shape == (28, 28, 3)
    assert np.abs(crop - crop[::-1]).max() <= 4
    assert np.abs(crop - crop[:, ::-1]).max() <= 4
    assert abs(crop.max() - image.max()) <= 3


def test_center_crop_keeps_seven_eighths():
    columns = np.tile(np.arange(256, dtype="uint8")[None, :, None], (256, 1, 3))
    crop = center_crop(tf.constant(columns), 224).numpy()
    assert crop[0, 0, 0] == 16 and crop[0, -1, 0] == 239


@pytest.mark.parametrize("side", [5, 16])
def test_cutout_is_a_square_clipped_at_the_border(side):
    cut = tf.function(lambda seed: cutout(tf.ones((32, 32, 3)), side, seed))
    centers, areas = set(), []
    for i in range(400):
        hole = cut(tf.constant((i, 1))).numpy() == 0
        assert (hole == hole[..., :1]).all()
        rows, columns = hole[..., 0].any(1), hole[..., 0].any(0)
        np.testing.assert_array_equal(hole[..., 0], np.outer(rows, columns))
        for line in (rows, columns):
            inside = np.flatnonzero(line)
            assert len(inside) == np.ptp(inside) + 1 <= side
            assert len(inside) >= side // 2
        areas.append(hole[..., 0].sum())
        if areas[-1] == side * side:
            centers.add((np.argmax(rows), np.argmax(columns)))
    assert max(areas) == side * side > min(areas)
    assert len({y for y, _ in centers}) > (32 - side) * 0.7


def test_cutout_fills_with_the_mean():
    augment = Augmentation(crop="none", flip=False, cutout=8)
    result = augment(tf.constant(IMAGE), (0, 0), FORMAT).numpy()
    changed = (result != FORMAT.normalize(IMAGE)).any(-1)
    assert changed.any() and (result[changed] == 0).all()


def test_jitter_of_colours_is_off_by_default_and_the_seed_decides_it():
    augment = {
        jitter: Augmentation("none", False, color_jitter=jitter)
        for jitter in (False, True)
    }
    plain = augment[False](tf.constant(IMAGE), SEEDS[0], FORMAT)
    np.testing.assert_array_equal(plain, FORMAT.normalize(IMAGE))
    results = [augment[True](tf.constant(IMAGE), seed, FORMAT) for seed in SEEDS[:8]]
    again = augment[True](tf.constant(IMAGE), SEEDS[0], FORMAT)
    np.testing.assert_array_equal(results[0], again)
    assert len({result.numpy().tobytes() for result in results}) == 8


def test_jitter_of_colours_changes_no_other_draw(monkeypatch):
    monkeypatch.setattr(augmentation, "jitter_colors", lambda image, seed: image)
    image = tf.constant(IMAGE)
    for seed in SEEDS[:4]:
        without, with_jitter = (
            Augmentation("pad", True, "cifar10", 8, jitter)(image, seed, FORMAT)
            for jitter in (False, True)
        )
        np.testing.assert_array_equal(without, with_jitter)


def test_brightness_and_contrast_change_by_up_to_40_per_cent():
    values = np.linspace(40, 120, 32 * 32).reshape(32, 32, 1).astype("uint8")
    means, spreads = [], []
    for seed in SEEDS:
        gray = jitter_colors(tf.constant(values), seed).numpy().astype(float)
        means.append(gray.mean() / values.mean())
        spreads.append(gray.std() / gray.mean() / (values.std() / values.mean()))
    assert 0.58 < min(means) < 0.7 and 1.3 < max(means) < 1.42
    assert 0.58 < min(spreads) < 0.7 and 1.3 < max(spreads) < 1.42


def test_hue_turns_by_up_to_a_fifth_of_the_circle_and_gray_stays_gray():
    red = tf.constant(np.full((4, 4, 3), (160, 40, 40), "uint8"))
    hues = []
    for seed in SEEDS:
        jittered = tf.cast(jitter_colors(red, seed), tf.float32) / 255
        hue = float(tf.image.rgb_to_hsv(jittered)[0, 0, 0])
        hues.append((hue + 0.5) % 1 - 0.5)
        gray = jitter_colors(tf.fill((4, 4, 3), tf.constant(99, tf.uint8)), seed)
        assert np.ptp(gray.numpy()) <= 1
    assert -0.21 < min(hues) < -0.15 and 0.15 < max(hues) < 0.21


def test_resizes_images_of_unknown_size():
    image = tf.constant(np.zeros((50, 70, 3), "uint8"))
    for crop in ("pad", "resized", "none"):
        augment = tf.function(
            lambda image, crop=crop: Augmentation(crop)(image, (0, 0), FORMAT),
            input_signature=[tf.TensorSpec((None, None, 3), tf.uint8)],
        )
        assert augment(image).shape == (32, 32, 3)


@pytest.mark.parametrize(
    "fields", [{"crop": "centre"}, {"autoaugment": "svhn"}, {"cutout": -1}]
)
def test_refuses(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        Augmentation(**fields)
