"""One part of a data set: its examples, in an order that a seed alone decides."""

import numpy as np
import tensorflow as tf

# Encoded pictures held while shuffling a stream: about 1 GB of ImageNet.
SHUFFLE_BUFFER = 8192


def held_out(labels, share, seed):
    """Chooses examples to hold out, the same share of every class.

    Args:
        labels: `(n,)` integers.
        share: Between 0 and 1. Of a class with two or more examples at least one
            is held out and one is left, unless `share` is 0.
        seed: Integer; the same seed chooses the same examples.

    Returns:
        `(n,)` booleans, true where held out.
    """
    chosen = np.zeros(len(labels), bool)
    generator = np.random.default_rng(seed)
    for label in np.unique(labels) if share else ():
        members = generator.permutation(np.flatnonzero(labels == label))
        count = max(1, round(share * len(members)))
        chosen[members[: min(count, len(members) - 1)]] = True
    return chosen


class InMemory:
    """Examples in memory, a row each: pictures, or whatever `decode` makes one of.

    Args:
        rows: `(n, ...)` array: uint8 pictures `(n, height, width, channels)`, or
            for example the paths of their files.
        labels: `(n,)` integers.
        decode: Maps a row to a uint8 picture; None where the rows are pictures.
    """

    def __init__(self, rows, labels, decode=None):
        # Tensors made once, which every epoch's graph captures: slices of an array
        # would be copied into each of them.
        with tf.device("CPU"):
            self._rows = tf.constant(rows)
            self._labels = tf.constant(labels, tf.int32)
        self._decode = decode

    @property
    def num_examples(self):
        """How many examples there are."""
        return len(self._labels)

    def hold_out(self, share, seed):
        """Parts the examples in two; returns `(rest, held out)`."""
        rows, labels = np.asarray(self._rows), np.asarray(self._labels)
        chosen = held_out(labels, share, seed)
        return tuple(
            InMemory(rows[part], labels[part], self._decode)
            for part in (~chosen, chosen)
        )

    def records(self, order_seed=None):
        """All indices as a `tf.data.Dataset`, shuffled by `order_seed` where given."""
        order = np.arange(self.num_examples)
        if order_seed is not None:
            order = np.random.default_rng(order_seed).permutation(order)
        return tf.data.Dataset.from_tensor_slices(order)

    def example(self, index):
        """The uint8 picture and the int32 label at `index`."""
        row, label = tf.gather(self._rows, index), tf.gather(self._labels, index)
        return (row if self._decode is None else self._decode(row)), label


class Streamed:
    """Examples of a prepared TFDS data set, read and decoded anew every epoch.

    Args:
        builder: A prepared `tfds.core.DatasetBuilder` with "image" and "label".
        split: Name of the TFDS split.
        start: First example of the split.
        stop: One past the last example of the split.
    """

    def __init__(self, builder, split, start, stop):
        self._builder, self._split = builder, split
        self._start, self._stop = start, stop

    @property
    def num_examples(self):
        """How many examples there are."""
        return self._stop - self._start

    def hold_out(self, share, seed):
        """Parts the examples in two; returns `(rest, held out)`.

        TFDS has shuffled the examples when it wrote them, so the last ones are as
        good as any, and both parts read whole files; `seed` chooses nothing.
        """
        del seed
        cut = self._stop - round(share * self.num_examples)
        return (
            Streamed(self._builder, self._split, self._start, cut),
            Streamed(self._builder, self._split, cut, self._stop),
        )

    def records(self, order_seed=None):
        """All encoded examples, files and a buffer shuffled by `order_seed`."""
        import tensorflow_datasets as tfds

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

    def example(self, record):
        """The uint8 picture `(height, width, channels)` and the int32 label."""
        image = self._builder.info.features["image"].decode_example(record["image"])
        return image, tf.cast(record["label"], tf.int32)
