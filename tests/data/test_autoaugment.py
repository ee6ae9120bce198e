"""AutoAugment."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfdyn.data.autoaugment import OPERATIONS, POLICIES, augment

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")
WITHOUT_MAGNITUDE = {"AutoContrast", "Equalize", "Invert"}


def apply(name, amount, image=IMAGE):
    return np.asarray(OPERATIONS[name](Image.fromarray(image), amount)).astype(int)


@pytest.mark.parametrize("policy", POLICIES)
def test_policies_are_well_formed(policy):
    assert len(POLICIES[policy]) == 25
    for sub_policy in POLICIES[policy]:
        assert len(sub_policy) == 2
        for name, probability, magnitude in sub_policy:
            assert name in OPERATIONS and 0 <= probability <= 1
            assert (magnitude is None) == (name in WITHOUT_MAGNITUDE)
            assert magnitude is None or 0 <= magnitude <= 9


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - WITHOUT_MAGNITUDE))
def test_magnitude_zero_changes_nothing(name):
    np.testing.assert_array_equal(apply(name, 0), IMAGE)


@pytest.mark.parametrize("name", ["Solarize", "Posterize"])
def test_the_sign_has_no_effect_where_there_is_no_direction(name):
    np.testing.assert_array_equal(apply(name, -0.5), apply(name, 0.5))


def test_translation_is_150_of_331_of_the_size():
    shift = round(150 / 331 * 32)
    expected = np.zeros_like(IMAGE)
    expected[:, :-shift] = IMAGE[:, shift:]
    moved = apply("TranslateX", 1)
    assert (moved[:, : 32 - shift - 1] == expected[:, : 32 - shift - 1]).all()
    assert (moved[:, 32 - shift + 1 :] == 0).all()
    transposed = apply("TranslateY", 1, IMAGE.transpose(1, 0, 2).copy())
    np.testing.assert_array_equal(transposed.transpose(1, 0, 2), moved)


def test_shear_moves_rows_by_three_tenths_of_their_height():
    line = np.zeros((32, 32), "uint8")
    line[:, 16] = 255
    columns = apply("ShearX", -1, line).argmax(1)
    np.testing.assert_allclose(np.polyfit(np.arange(32), columns, 1)[0], 0.3, atol=0.03)
    rows = apply("ShearY", -1, line.T.copy()).argmax(0)
    np.testing.assert_array_equal(rows, columns)


def test_rotation_is_thirty_degrees():
    line = np.zeros((65, 65), "uint8")
    line[:, 32] = 255
    rows, columns = np.nonzero(apply("Rotate", 1, line))
    slope = np.polyfit(rows, columns, 1)[0]
    np.testing.assert_allclose(np.degrees(np.arctan(slope)), 30, atol=1.5)


def test_values():
    gray = np.arange(256, dtype="uint8").reshape(16, 16)
    inverted = 255 - gray
    np.testing.assert_array_equal(apply("Invert", 1, gray), inverted)
    np.testing.assert_array_equal(apply("Solarize", 1, gray), inverted)
    half = np.where(gray < 128, gray, inverted)
    np.testing.assert_array_equal(apply("Solarize", 0.5, gray), half)
    np.testing.assert_array_equal(apply("Posterize", 1, gray), gray & 0xF0)
    assert abs(apply("Brightness", 1, gray)[5, 0] - 1.9 * gray[5, 0]) <= 1
    assert abs(apply("Brightness", -1, gray)[5, 0] - 0.1 * gray[5, 0]) <= 1
    contrast = apply("Contrast", -1, gray)
    assert abs(np.ptp(contrast) - 25.5) <= 2
    np.testing.assert_array_equal(apply("AutoContrast", 1, gray // 2 + 9)[-1, -1], 255)
    dull = np.tile(gray // 16 + 100, (8, 8))
    assert np.ptp(apply("Equalize", 1, dull)) > 230
    spread = np.ptp(apply("Color", -1), axis=-1).mean()
    assert abs(spread - 0.1 * np.ptp(IMAGE.astype(int), axis=-1).mean()) < 2
    assert apply("Sharpness", -1).std() < IMAGE.std() < apply("Sharpness", 1).std()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_augment_depends_on_the_seed_alone(policy, channels):
    image = tf.constant(IMAGE[..., :channels])
    seeds = tf.constant([(i, -i) for i in range(40)])

    def run():
        mapped = tf.data.Dataset.from_tensor_slices(seeds).map(
            lambda seed: augment(image, seed, policy), num_parallel_calls=4
        )
        assert mapped.element_spec == tf.TensorSpec((32, 32, channels), tf.uint8)
        return np.stack(list(mapped.as_numpy_iterator()))

    first = run()
    np.testing.assert_array_equal(first, run())
    assert len({result.tobytes() for result in first}) > 15


def test_operations_apply_as_often_as_their_probability(monkeypatch):
    brighter = (("Brightness", 0.3, 9), ("Invert", 0.0, None))
    monkeypatch.setitem(POLICIES, "cifar10", (brighter,))
    image = tf.fill((2, 2, 3), tf.constant(100, tf.uint8))
    values = [int(augment(image, (i, 0), "cifar10")[0, 0, 0]) for i in range(300)]
    assert set(values) == {10, 100, 190}
    assert 60 < 300 - values.count(100) < 120
    assert 0.3 < values.count(10) / (values.count(10) + values.count(190)) < 0.7
