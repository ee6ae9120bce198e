"""Splits of a data set: images and labels, in memory or read from disk."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfdyn.data.held_out import hold_out_mask, hold_out_mask_by_name
from tfdyn.data.tfds_files import explain_broken

# Number of encoded images in the buffer that shuffles: about 1 GB of ImageNet.
SHUFFLE_BUFFER = 8192


class InMemory:
    """A split whose images, or the paths of their files, are in memory.

    Args:
        rows: uint8 array `(images, height, width, channels)`; or, with `decode`, any
            array `(images, ...)`, such as the paths of the image files.
        labels: Integer array `(images,)`.
        decode: Function from a row, a tensor, to a uint8 image
            `(height, width, channels)`. `None`: the rows are images.
        names: Names of the images, strings. With names, the images that are held out
            are drawn by them; without, by their positions.
    """

    def __init__(
        self,
        rows,
        labels,
        decode: Callable | None = None,
        names: Sequence[str] | None = None,
    ):
        # The graphs of all epochs share these tensors. A NumPy array would be copied
        # into each graph.
        with tf.device("CPU"):
            self._rows = tf.constant(rows)
            self._labels = tf.constant(labels, tf.int32)
        self._decode = decode
        self._names = None if names is None else np.array(names, object)

    @property
    def num_examples(self) -> int:
        """Number of images in the split."""
        return len(self._labels)

    def digest(self) -> str:
        """Returns a digest of the images and their labels, in any order.

        Of files, the names and the sizes are taken.

        A name is the path below the folder that holds all files of the split.
        """
        rows = list(np.asarray(self._rows))
        if self._decode is not None and rows:
            folder = os.path.commonpath([os.path.dirname(path) for path in rows])
            rows = [
                os.path.relpath(path, folder) + b" %d" % os.path.getsize(path)
                for path in rows
            ]
        labels = np.asarray(self._labels, "int64")
        digests = sorted(
            hashlib.sha256(bytes(row) + label.tobytes()).digest()
            for row, label in zip(rows, labels, strict=True)
        )
        return hashlib.sha256(b"".join(digests)).hexdigest()

    def count_labels(self, num_classes: int) -> np.ndarray:
        """Returns the number of images of each class, integers `(num_classes,)`."""
        return np.bincount(self._labels, minlength=num_classes)

    def explain_broken(self):
        """Returns a context in which nothing is explained: see `Streamed`."""
        return contextlib.nullcontext()

    def hold_out(self, share: float, seed: int) -> tuple["InMemory", "InMemory"]:
        """Divides the split in two.

        Args:
            share: Share of the images of each class in the second part, from 0 to 1;
                about this share if the images have names.
            seed: Seed that decides which images these are.

        Returns:
            The images that are not held out, and those that are.
        """
        rows, labels = np.asarray(self._rows), np.asarray(self._labels)
        if self._names is None:
            mask = hold_out_mask(labels, share, seed)
        else:
            mask = hold_out_mask_by_name(self._names, labels, share, seed)
        return tuple(
            InMemory(
                rows[part],
                labels[part],
                self._decode,
                None if self._names is None else self._names[part],
            )
            for part in (~mask, mask)
        )

    def records(self, order_seed=None) -> tf.data.Dataset:
        """Returns a data set of the indices of all images.

        Args:
            order_seed: Integer, or tuple of integers, that decides the order. `None`:
                the images are not shuffled.
        """
        order = np.arange(self.num_examples)
        if order_seed is not None:
            order = np.random.default_rng(order_seed).permutation(order)
        return tf.data.Dataset.from_tensor_slices(order)

    def image_and_label(self, index):
        """Returns one image and its label.

        Args:
            index: Integer tensor `()`, one of `records()`.

        Returns:
            uint8 tensor `(height, width, channels)` and int32 tensor `()`.
        """
        row, label = tf.gather(self._rows, index), tf.gather(self._labels, index)
        return (row if self._decode is None else self._decode(row)), label


class Streamed:
    """A split of a TFDS data set that is read from disk and decoded in each epoch.

    Args:
        builder: A prepared `tfds.core.DatasetBuilder` with the features "image" and
            "label".
        split: String, the name of the TFDS split.
        start: Integer, index of the first image.
        stop: Integer, index of the last image plus one.
    """

    def __init__(self, builder, split: str, start: int, stop: int):
        self._builder, self._split = builder, split
        self._start, self._stop = start, stop

    @property
    def num_examples(self) -> int:
        """Number of images in the split."""
        return self._stop - self._start

    def digest(self) -> None:
        """Returns `None`: the images are on disk, where TFDS checks them."""
        return None

    def explain_broken(self):
        """Returns a context that explains what a file with changed bytes raises.

        Raises:
            UserError: If the images are read in the context and a file is broken.
        """
        return explain_broken(self._builder, tf.errors.DataLossError)

    def hold_out(self, share: float, seed: int) -> tuple["Streamed", "Streamed"]:
        """Divides the split in two: the second part is the last images of the split.

        TFDS shuffles images when it writes them, so the last images are a random
        sample. Each part then reads whole files, except one that both share.

        Args:
            share: Share of the images in the second part, from 0 to 1.
            seed: Not used.

        Returns:
            The images that are not held out, and those that are.
        """
        del seed
        cut = self._stop - round(share * self.num_examples)
        return (
            Streamed(self._builder, self._split, self._start, cut),
            Streamed(self._builder, self._split, cut, self._stop),
        )

    def records(self, order_seed=None) -> tf.data.Dataset:
        """Returns a data set of all images and labels, not yet decoded.

        Args:
            order_seed: Integer, or tuple of integers, that decides the order: of the
                files, and of the images in a buffer. `None`: no shuffling.
        """
        import tensorflow_datasets as tfds  # Slow to import.

        seed = None
        if order_seed is not None:
            seed = int(np.random.default_rng(order_seed).integers(2**31))
        dataset = self._builder.as_dataset(
            split=f"{self._split}[{self._start}:{self._stop}]",
            shuffle_files=seed is not None,
            decoders={"image": tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(
                shuffle_seed=seed,
                shuffle_reshuffle_each_iteration=False,
                try_autocache=False,
            ),
        )
        if seed is None:
            return dataset
        return dataset.shuffle(SHUFFLE_BUFFER, seed, reshuffle_each_iteration=False)

    def image_and_label(self, record):
        """Decodes one image.

        Args:
            record: Dict of tensors, one of `records()`.

        Returns:
            uint8 tensor `(height, width, channels)` and the label, int32 tensor `()`.
        """
        image = self._builder.info.features["image"].decode_example(record["image"])
        return image, tf.cast(record["label"], tf.int32)
