"""Augmentation of training images: crop, flip, colours, AutoAugment, cutout."""

import dataclasses

import tensorflow as tf

from tfdyn.data import autoaugment
from tfdyn.errors import UserError

CROPS = ("pad", "resized", "none")
# Longer images are cropped before they are resized, which may make them many times
# larger. The square that is kept does not reach what is cropped here.
LONGEST_RATIO = 4


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Changes training images at random; the same seed gives the same image.

    Attributes:
        crop: String. "pad" adds a black border, an eighth of the image size wide, and
            crops the padded image back to its size at a random place (CIFAR, He et
            al. 2015). "resized" crops a random part, 8 to 100 % of the area with a
            width of 3/4 to 4/3 of the height, and resizes it (ImageNet, Szegedy et
            al. 2014). "none" crops nothing at random.
        flip: Bool, whether to mirror half of the images left to right.
        autoaugment: String, the data set whose AutoAugment policy is applied
            (Cubuk et al. 2018): "cifar10", "imagenet" or "none".
        cutout: Integer, side in pixels of a square that is set to the mean, around a
            random point of the image (DeVries and Taylor 2017). 0 means no cutout.
        color_jitter: Bool, whether to change the colours at random, as DARTS does with
            images of ImageNet (`jitter_colors`). DRNet follows DARTS there (section
            4.1).

    Raises:
        UserError: If a field has a value that is not listed above.
    """

    crop: str = "pad"
    flip: bool = True
    autoaugment: str = "none"
    cutout: int = 0
    color_jitter: bool = False

    def __post_init__(self):
        for name, choices in (
            ("crop", CROPS),
            ("autoaugment", ("none", *autoaugment.POLICIES)),
        ):
            if getattr(self, name) not in choices:
                raise UserError(
                    f"{name}={getattr(self, name)!r} is unknown: "
                    f"use one of {', '.join(choices)}."
                )
        if self.cutout < 0:
            raise UserError(
                f"cutout={self.cutout} is negative: expected a side in pixels, or 0 "
                "for no cutout."
            )

    @classmethod
    def of(cls, settings) -> "Augmentation":
        """Returns the augmentation of a training.

        Args:
            settings: Object with the attributes of this class, such as `Settings`.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: getattr(settings, name) for name in names})

    def __call__(self, image, seed, input_format):
        """Augments one image and normalises it.

        Args:
            image: uint8 tensor `(height, width, channels)` of any size. Unless the
                crop is "resized", `center_crop` first brings it to the right size.
            seed: Integer tensor `(2,)`, a different one for each image and epoch.
            input_format: `InputFormat` of the network: the size and the normalisation
                of the result.

        Returns:
            float32 tensor of shape `input_format.shape`.
        """
        size = input_format.shape[0]
        seeds = tf.unstack(tf.random.split(seed, 4))
        if self.crop == "resized":
            image = crop_and_resize(image, size, seeds[0])
        else:
            image = center_crop(image, size)
        if self.crop == "pad":
            image = pad_and_crop(image, size // 8, seeds[0])
        if self.flip:
            image = tf.image.stateless_random_flip_left_right(image, seeds[1])
        if self.color_jitter:
            # Not a fifth of the seeds: runs of earlier versions must not change.
            image = jitter_colors(image, tf.random.fold_in(seed, len(seeds)))
        if self.autoaugment != "none":
            image = autoaugment.augment(image, seeds[2], self.autoaugment)
        image = input_format.normalize(image)
        return cutout(image, self.cutout, seeds[3]) if self.cutout else image


def center_crop(image, size: int):
    """Resizes an image and crops the square in its middle.

    The shorter side is first resized to 8/7 of `size`, as is usual for evaluation on
    ImageNet (256 and 224 pixels). An image whose static shape is `(size, size)` is
    returned unchanged. Of a long strip, only the middle is resized.

    Args:
        image: uint8 tensor `(height, width, channels)`.
        size: Height and width of the result in pixels.

    Returns:
        uint8 tensor `(size, size, channels)`.
    """
    if image.shape[:2] == (size, size):
        return image
    whole = tf.shape(image)
    extent = tf.minimum(whole, LONGEST_RATIO * tf.reduce_min(whole[:2]))
    extent = tf.concat([extent[:2], whole[2:]], 0)
    channels = image.shape[-1]
    image = tf.slice(image, (whole - extent) // 2, extent)
    image = tf.ensure_shape(image, (None, None, channels))
    shape = tf.cast(extent[:2], tf.float32)
    scaled = tf.round(shape * (size * 256 / 224) / tf.reduce_min(shape))
    image = resize(image, tf.cast(scaled, tf.int32))
    top, left = tf.unstack((tf.shape(image)[:2] - size) // 2)
    return tf.image.crop_to_bounding_box(image, top, left, size, size)


def pad_and_crop(image, padding: int, seed):
    """Adds a black border and crops the image back to its size at a random place.

    Args:
        image: uint8 tensor `(height, width, channels)` of static shape.
        padding: Width of the border in pixels.
        seed: Integer tensor `(2,)`.

    Returns:
        uint8 tensor of the same shape.
    """
    padded = tf.pad(image, [[padding, padding], [padding, padding], [0, 0]])
    return tf.image.stateless_random_crop(padded, image.shape, seed)


def crop_and_resize(image, size: int, seed):
    """Crops a random part of an image and resizes it to a square.

    The part has 8 to 100 % of the area, and a width of 3/4 to 4/3 of its height.

    Args:
        image: uint8 tensor `(height, width, channels)`.
        size: Height and width of the result in pixels.
        seed: Integer tensor `(2,)`.

    Returns:
        uint8 tensor `(size, size, channels)`.
    """
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
    return resize(crop, (size, size))


def jitter_colors(image, seed):
    """Changes brightness, contrast, saturation and hue of an image at random.

    The first three are multiplied by factors from 0.6 to 1.4, and the hue is turned by
    up to 0.2 of the circle, as in DARTS. An image of one channel has no saturation and
    no hue. The changes are always made in this order.

    Args:
        image: uint8 tensor `(height, width, channels)` with 1 or 3 channels.
        seed: Integer tensor `(2,)`.

    Returns:
        uint8 tensor of the same shape.
    """
    seeds = tf.unstack(tf.random.split(seed, 4))
    image = tf.image.convert_image_dtype(image, tf.float32)
    image = image * tf.random.stateless_uniform((), seeds[0], 0.6, 1.4)
    image = tf.clip_by_value(image, 0.0, 1.0)
    image = tf.image.stateless_random_contrast(image, 0.6, 1.4, seeds[1])
    image = tf.clip_by_value(image, 0.0, 1.0)
    if image.shape[-1] == 3:
        image = tf.image.stateless_random_saturation(image, 0.6, 1.4, seeds[2])
        image = tf.image.stateless_random_hue(image, 0.2, seeds[3])
    return tf.saturate_cast(tf.round(255 * image), tf.uint8)


def cutout(image, side: int, seed):
    """Sets a random square of a normalised image to 0, which is the mean.

    The centre of the square may be any pixel. Near the border of the image, a part of
    the square lies outside, and fewer pixels are set.

    Args:
        image: float32 tensor `(height, width, channels)`, normalised.
        side: Side of the square in pixels.
        seed: Integer tensor `(2,)`.

    Returns:
        float32 tensor of the same shape.
    """
    height, width = image.shape[:2]
    rows = _random_interval(side, height, seed=tf.random.fold_in(seed, 0))
    columns = _random_interval(side, width, seed=tf.random.fold_in(seed, 1))
    hole = rows[:, None, None] & columns[None, :, None]
    return tf.where(hole, 0.0, image)


def _random_interval(side, length, seed):
    """Returns booleans `(length,)`, true for `side` pixels around a random pixel."""
    center = tf.random.stateless_uniform((), seed, maxval=length, dtype=tf.int32)
    offset = tf.range(length) - (center - side // 2)
    return (offset >= 0) & (offset < side)


def resize(images, shape):
    """Resizes one uint8 image or a batch to `shape`, `(height, width)` in pixels."""
    images = tf.image.resize(images, shape, antialias=True)
    return tf.saturate_cast(tf.round(images), tf.uint8)
