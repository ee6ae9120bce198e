"""Augmentation of training pictures: crop, flip, AutoAugment, cutout."""

import dataclasses

import tensorflow as tf

from tfdyn.data import autoaugment
from tfdyn.errors import UserError

CROPS = ("pad", "resized", "none")


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How a training picture is varied; the same seed gives the same picture.

    Attributes:
        crop: "pad" pads with black, an eighth of the size on each side, and crops
            back at random (CIFAR, He et al. 2015); "resized" crops 8 to 100 % of
            the area with a ratio of 3/4 to 4/3 and resizes it (ImageNet, Szegedy
            et al. 2014); "none" crops nothing.
        flip: Whether half the pictures are mirrored left to right.
        autoaugment: "none", or the data set whose AutoAugment policy is used,
            "cifar10" or "imagenet" (Cubuk et al. 2018).
        cutout: Side in pixels of a square set to the mean, around a point
            anywhere in the picture (DeVries and Taylor 2017); 0 for none.

    Raises:
        ValueError: A field has none of its values.
    """

    crop: str = "pad"
    flip: bool = True
    autoaugment: str = "none"
    cutout: int = 0

    def __post_init__(self):
        for name, choices in (
            ("crop", CROPS),
            ("autoaugment", ("none", *autoaugment.POLICIES)),
        ):
            if getattr(self, name) not in choices:
                raise UserError(
                    f"{name}={getattr(self, name)!r} is unknown; "
                    f"use one of {', '.join(choices)}."
                )
        if self.cutout < 0:
            raise UserError(
                f"cutout={self.cutout} must be a side in pixels, or 0 for no cutout."
            )

    def __call__(self, image, seed, input_format):
        """Augments one picture and normalises it.

        Args:
            image: uint8 `(h, w, channels)`; resized where it is not of the format.
            seed: Two integers, the picture's own.
            input_format: The `InputFormat` to return.

        Returns:
            float32, of `input_format.shape`, normalised.
        """
        size = input_format.shape[0]
        seeds = tf.unstack(tf.random.split(seed, 4))
        if self.crop == "resized":
            image = resized_crop(image, size, seeds[0])
        else:
            image = center_crop(image, size)
        if self.crop == "pad":
            image = pad_and_crop(image, size // 8, seeds[0])
        if self.flip:
            image = tf.image.stateless_random_flip_left_right(image, seeds[1])
        if self.autoaugment != "none":
            image = autoaugment.augment(image, seeds[2], self.autoaugment)
        image = input_format.normalize(image)
        return cutout(image, self.cutout, seeds[3]) if self.cutout else image


def center_crop(image, size):
    """The middle `(size, size)` of a picture whose shorter side is 8/7 of `size`.

    The usual way to evaluate on ImageNet (256 and 224 pixels). A picture that is
    known to have that size already is returned as it is.
    """
    if image.shape[:2] == (size, size):
        return image
    shape = tf.cast(tf.shape(image)[:2], tf.float32)
    scaled = tf.round(shape * (size * 256 / 224) / tf.reduce_min(shape))
    image = _resize(image, tf.cast(scaled, tf.int32))
    top, left = tf.unstack((tf.shape(image)[:2] - size) // 2)
    return tf.image.crop_to_bounding_box(image, top, left, size, size)


def pad_and_crop(image, padding, seed):
    """Pads by `padding` black pixels on each side and crops back at random."""
    padded = tf.pad(image, [[padding, padding], [padding, padding], [0, 0]])
    return tf.image.stateless_random_crop(padded, image.shape, seed)


def resized_crop(image, size, seed):
    """Crops 8 to 100 % of the area, ratio 3/4 to 4/3, and resizes it to `size`."""
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        bounding_boxes=tf.zeros((1, 0, 4)),
        seed=seed,
        min_object_covered=0.0,
        aspect_ratio_range=(3 / 4, 4 / 3),
        area_range=(0.08, 1.0),
        use_image_if_no_bounding_boxes=True,
    )
    channels = image.shape[-1]
    crop = tf.ensure_shape(tf.slice(image, begin, extent), (None, None, channels))
    return _resize(crop, (size, size))


def cutout(image, side, seed):
    """Sets a square of a normalised picture `(h, w, channels)` to 0, the mean.

    The square's centre is anywhere in the picture: at its borders less is cut.
    """
    height, width = image.shape[:2]
    rows = _within(side, height, seed=tf.random.fold_in(seed, 0))
    columns = _within(side, width, seed=tf.random.fold_in(seed, 1))
    hole = rows[:, None, None] & columns[None, :, None]
    return tf.where(hole, 0.0, image)


def _within(side, length, seed):
    """Which of `length` pixels lie in a stretch of `side` around one of them."""
    center = tf.random.stateless_uniform((), seed, maxval=length, dtype=tf.int32)
    offset = tf.range(length) - (center - side // 2)
    return (offset >= 0) & (offset < side)


def _resize(image, shape):
    image = tf.image.resize(image, shape, antialias=True)
    return tf.saturate_cast(tf.round(image), tf.uint8)
