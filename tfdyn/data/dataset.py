"""A data set: its splits as batches that depend on seed and epoch alone."""

import tensorflow as tf

from tfdyn.data import folder, sources, tiny_imagenet
from tfdyn.data.augmentation import center_crop
from tfdyn.errors import UserError

SOURCES = {
    "digits": sources.Digits(),
    "cifar10": sources.CIFAR10,
    "cifar100": sources.CIFAR100,
    "imagenet2012": sources.IMAGENET2012,
    "tinyimagenet": tiny_imagenet.TinyImageNet(),
    "folder": folder.Folder(),
}


class Dataset:
    """Pictures and labels in the splits "train", "validation" and "test".

    Args:
        name: The data set's name.
        input_format: `InputFormat` of its pictures.
        splits: A mapping from split names to `InMemory` or `Streamed`.
    """

    def __init__(self, name, input_format, splits):
        self.name = name
        self.input_format = input_format
        self._splits = dict(splits)

    def num_examples(self, split):
        """How many examples `split` has; 0 where no validation set is held out.

        Raises:
            ValueError: There is no such split.
        """
        if split not in self._splits:
            raise UserError(
                f"split={split!r} is not a split of {self.name!r}; "
                f"use one of {', '.join(self._splits)}."
            )
        return self._splits[split].num_examples

    def batches(
        self,
        split,
        batch_size,
        augmentation=None,
        seed=0,
        epoch=0,
        shuffle=False,
        drop_remainder=False,
        shard=(0, 1),
        normalize=True,
    ):
        """One pass over a split.

        The same arguments give the same batches, whatever ran before: the order
        and the augmentation depend on `seed` and `epoch` alone.

        Args:
            split: "train", "validation" or "test".
            batch_size: Examples a batch.
            augmentation: An `Augmentation`, or None for evaluation.
            seed: Integer, the run's.
            epoch: Integer from 0.
            shuffle: Whether to shuffle; else the order is always the same.
            drop_remainder: Whether to leave out a last, smaller batch.
            shard: A pair `(index, count)`: only every `count`-th example of the
                pass, from `index` on; each is as it would be in the whole.
            normalize: Whether to normalise images that are not augmented; else they
                are uint8, as an exported network takes them.

        Returns:
            A `tf.data.Dataset` of images, float32 and normalised,
            `(batch, height, width, channels)`, and labels, int32 `(batch,)`.

        Raises:
            ValueError: The split is unknown or empty, or yields no batch.
        """
        if not self.num_examples(split):
            raise UserError(
                f"split={split!r} of {self.name!r} is empty; load the data set with "
                "validation_share above 0 to hold out a part of its training set."
            )
        if batch_size < 1:
            raise UserError(f"batch_size={batch_size} must be at least 1.")
        if drop_remainder and batch_size > self.num_examples(split):
            raise UserError(
                f"batch_size={batch_size} with drop_remainder leaves no batch of the "
                f"{self.num_examples(split)} examples of split={split!r}; "
                "make it smaller."
            )
        examples = self._splits[split]

        def prepare(position, record):
            image, label = examples.example(record)
            if augmentation is None:
                image = center_crop(image, self.input_format.shape[0])
                if normalize:
                    image = self.input_format.normalize(image)
            else:
                key = tf.random.fold_in((seed, epoch), position)
                image = augmentation(image, key, self.input_format)
            return tf.ensure_shape(image, self.input_format.shape), label

        # TensorFlow 2.21: an iterator that ends may wait for the thread that tunes
        # it to wake up, for up to a minute. Untuned, map uses all cores.
        options = tf.data.Options()
        options.autotune.enabled = False
        return (
            examples.records((seed, epoch) if shuffle else None)
            .enumerate()
            .shard(shard[1], shard[0])
            .map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .batch(batch_size, drop_remainder=drop_remainder)
            .prefetch(tf.data.AUTOTUNE)
            .with_options(options)
        )


def load(name, data_dir=None, image_size=None, validation_share=0.1, seed=0):
    """Loads a data set.

    Args:
        name: One of "digits", "cifar10", "cifar100", "imagenet2012", "tinyimagenet"
            and "folder".
        data_dir: Where TFDS keeps its data sets (None: its default), or for
            "tinyimagenet" and "folder" the folder of pictures.
        image_size: Height and width in pixels; None for the data set's own
            (digits 8, cifar 32, imagenet2012 224, tinyimagenet 64, folder 32).
        validation_share: Share of the training set held out as "validation",
            the same of every class; 0 for none.
        seed: Chooses what is held out. Not the run's: runs that are compared
            must hold out the same examples.

    Returns:
        A `Dataset`.

    Raises:
        OSError: The data set is not there and cannot be downloaded.
        ValueError: An argument or a file is not as expected.
    """
    if not 0 <= validation_share < 1:
        raise UserError(
            f"validation_share={validation_share} must be at least 0 and below 1."
        )
    input_format = input_format_of(name, data_dir, image_size)
    train, test = SOURCES[name].splits(data_dir, input_format.shape[0])
    train, validation = train.hold_out(validation_share, seed)
    splits = {"train": train, "validation": validation, "test": test}
    return Dataset(name, input_format, splits)


def input_format_of(name, data_dir=None, image_size=None):
    """The `InputFormat` that `load` would give, without reading a picture."""
    if name not in SOURCES:
        raise UserError(f"name={name!r} is unknown; use one of {', '.join(SOURCES)}.")
    if image_size is not None and image_size < 1:
        raise UserError(f"image_size={image_size} must be at least 1 pixel.")
    return SOURCES[name].input_format(data_dir, image_size)


def shape_of(name, data_dir=None, image_size=None):
    """`(height, width, channels)` and the number of classes, reading no picture."""
    input_format = input_format_of(name, data_dir, image_size)
    return input_format.shape, len(input_format.class_names)
