"""Dataset: the images and labels of a data set, in batches."""

import tensorflow as tf

from tfdyn.data import folder, sources, tiny_imagenet
from tfdyn.data.augmentation import Augmentation, center_crop
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError

SOURCES = {
    "digits": sources.Digits(),
    "cifar10": sources.CIFAR10,
    "cifar100": sources.CIFAR100,
    "imagenet2012": sources.IMAGENET2012,
    "tinyimagenet": tiny_imagenet.TinyImageNet(),
    "folder": folder.Folder(),
}


# Largest height and width in pixels of the images that a network reads.
LARGEST_SIZE = 2048


class Dataset:
    """Images and labels of a data set, in splits.

    Args:
        name: String, the name of the data set.
        input_format: `InputFormat` of its images.
        splits: Dict from "train", "validation" and "test" to `InMemory` or `Streamed`.

    Attributes:
        name, input_format, splits: As the arguments.
    """

    def __init__(self, name: str, input_format: InputFormat, splits: dict):
        self.name = name
        self.input_format = input_format
        self.splits = dict(splits)

    def num_examples(self, split: str) -> int:
        """Returns the number of images in a split.

        Args:
            split: "train", "validation" or "test".

        Returns:
            The number of images; 0 for "validation" if no images are held out.

        Raises:
            UserError: If there is no such split.
        """
        if split not in self.splits:
            raise UserError(
                f"split={split!r} is not a split of {self.name!r}: "
                f"use one of {', '.join(self.splits)}."
            )
        return self.splits[split].num_examples

    def explain_broken(self):
        """Returns a context for reading batches, which explains broken files.

        Files that are read in each epoch are not read whole before: their changed bytes
        are found late, and TensorFlow names no file.

        Raises:
            UserError: If a file is broken. It names the folder, and how to mend it.
        """
        return self.splits["train"].explain_broken()

    def batches(
        self,
        split: str,
        batch_size: int,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        epoch: int = 0,
        shuffle: bool = False,
        drop_remainder: bool = False,
        shard: tuple[int, int] = (0, 1),
        normalize: bool = True,
    ) -> tf.data.Dataset:
        """Returns the batches of one pass over a split.

        The same arguments always give the same batches: the order of the images and
        their augmentation depend on `seed` and `epoch` alone.

        Args:
            split: "train", "validation" or "test".
            batch_size: Number of images in a batch.
            augmentation: `Augmentation` of training images. `None`: images are only
                resized and cropped to their middle, as for evaluation.
            seed: Seed of the run.
            epoch: Number of the epoch, from 0.
            shuffle: Whether to shuffle the images.
            drop_remainder: Whether to leave out the last batch if it is smaller.
            shard: Pair `(index, count)`. Only every `count`-th image of the pass is
                returned, starting with number `index`. Each image is augmented as in
                the full pass.
            normalize: Whether to normalise images that are not augmented. `False`:
                they stay uint8, as an exported network reads them.

        Returns:
            `tf.data.Dataset` of pairs: images, float32 (or uint8)
            `(batch, height, width, channels)`, and labels, int32 `(batch,)`.

        Raises:
            UserError: If the split does not exist, is empty, or gives no full batch.
        """
        if not self.num_examples(split):
            raise UserError(
                f"split={split!r} of {self.name!r} is empty: load the data set with "
                "validation_share above 0 to hold out a part of the training images."
            )
        if batch_size < 1:
            raise UserError(f"batch_size={batch_size} must be at least 1.")
        if drop_remainder and batch_size > self.num_examples(split):
            raise UserError(
                f"batch_size={batch_size} with drop_remainder leaves no batch of the "
                f"{self.num_examples(split)} images of split={split!r}: make it "
                "smaller."
            )
        source = self.splits[split]

        def prepare(position, record):
            image, label = source.image_and_label(record)
            if augmentation is None:
                image = center_crop(image, self.input_format.shape[0])
                if normalize:
                    image = self.input_format.normalize(image)
            else:
                key = tf.random.fold_in((seed, epoch), position)
                image = augmentation(image, key, self.input_format)
            return tf.ensure_shape(image, self.input_format.shape), label

        # In TensorFlow 2.21, an iterator that ends may wait up to a minute for its
        # autotuning thread. Without autotuning, `map` uses all cores anyway.
        options = tf.data.Options()
        options.autotune.enabled = False
        return (
            source.records((seed, epoch) if shuffle else None)
            .enumerate()
            .shard(shard[1], shard[0])
            .map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .batch(batch_size, drop_remainder=drop_remainder)
            .prefetch(tf.data.AUTOTUNE)
            .with_options(options)
        )


def load(
    name: str,
    data_dir=None,
    image_size: int | None = None,
    validation_share: float = 0.1,
    seed: int = 0,
) -> Dataset:
    """Loads a data set.

    Args:
        name: "digits", "cifar10", "cifar100", "imagenet2012", "tinyimagenet" or
            "folder".
        data_dir: Path. For "tinyimagenet" and "folder": the folder of images. For the
            data sets of TFDS: the folder that TFDS keeps them in (`None`: its default).
        image_size: Height and width of the images in pixels, up to 2048. `None`: 8 for
            digits, 32 for CIFAR, 224 for imagenet2012, 64 for tinyimagenet, 32 for a
            folder.
        validation_share: Share (0 to 1) of the training images of each class that is
            held out as the split "validation". 0 means none.
        seed: Seed that decides which images are held out. It is not the seed of the
            run, because runs that are compared must hold out the same images.

    Raises:
        OSError: If the data are missing and cannot be downloaded.
        UserError: If an argument or a file is not as described, or `validation_share`
            is above 0 and a class has no image to spare.
    """
    if not 0 <= validation_share < 1:
        raise UserError(
            f"validation_share={validation_share} must be at least 0 and below 1."
        )
    input_format = input_format_of(name, data_dir, image_size)
    train, test = SOURCES[name].splits(data_dir, input_format.shape[0])
    train, validation = train.hold_out(validation_share, seed)
    if validation_share:
        _check_held_out(train, validation, input_format.class_names, validation_share)
    splits = {"train": train, "validation": validation, "test": test}
    return Dataset(name, input_format, splits)


def _check_held_out(train, validation, class_names, share):
    """Checks that there are validation images: of each class, if they can be counted.

    A class without one would be invisible when epochs, T and gates are chosen.
    """
    mend = "or train without validation images by --validation_share=0"
    if hasattr(validation, "count_labels"):
        counts = validation.count_labels(len(class_names))
        left = train.count_labels(len(class_names))
        lacking = [
            f"{name} ({number} for training)"
            for name, count, number in zip(class_names, counts, left, strict=False)
            if not count
        ]
        if lacking:
            raise UserError(
                f"--validation_share={share} needs a training image to spare in each "
                f"class, but there is none in {len(lacking)} of {len(class_names)} "
                f"classes: {', '.join(lacking[:5])}{', ...' if lacking[5:] else ''}. "
                f"Add images to them, {mend}."
            )
    elif not validation.num_examples:
        raise UserError(
            f"--validation_share={share} holds out none of the {train.num_examples} "
            f"training images: make it larger, {mend}."
        )


def input_format_of(
    name: str, data_dir=None, image_size: int | None = None
) -> InputFormat:
    """Returns the `InputFormat` of a data set, without reading an image.

    The arguments are those of `load`.

    Raises:
        UserError: If an argument is not as described there.
    """
    if name not in SOURCES:
        raise UserError(f"name={name!r} is unknown: use one of {', '.join(SOURCES)}.")
    if image_size is not None and not 1 <= image_size <= LARGEST_SIZE:
        raise UserError(
            f"image_size={image_size} must be from 1 to {LARGEST_SIZE} pixels."
        )
    return SOURCES[name].input_format(data_dir, image_size)


def shape_of(
    name: str, data_dir=None, image_size: int | None = None
) -> tuple[tuple[int, int, int], int]:
    """Returns the image shape and the number of classes, without reading an image.

    The arguments and errors are those of `input_format_of`.

    Returns:
        The shape `(height, width, channels)` in pixels, and the number of classes.
    """
    input_format = input_format_of(name, data_dir, image_size)
    return input_format.shape, len(input_format.class_names)
