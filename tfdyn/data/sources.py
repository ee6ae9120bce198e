"""Public data sets: what form each has, and where its examples are."""

import contextlib
import sys

import numpy as np
import tensorflow as tf

from tfdyn.data.input_format import InputFormat
from tfdyn.data.split import InMemory, Streamed
from tfdyn.errors import UserError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Digits:
    """The 1,797 handwritten 8x8 digits that scikit-learn ships; a fifth is the test.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI.
    """

    def input_format(self, data_dir=None, image_size=None):
        """The `InputFormat`, of 8x8 unless `image_size` is given."""
        if data_dir is not None:
            raise UserError(
                f"data_dir={data_dir!r} is not read: the digits ship with "
                "scikit-learn; leave it out."
            )
        size = image_size or 8
        return InputFormat(tuple("0123456789"), (size, size, 1), (0.3054,), (0.3760,))

    def splits(self, data_dir, size):
        """The train and the test split."""
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        del data_dir
        images, labels = load_digits(return_X_y=True)
        images = np.round(images * (255 / 16)).astype("uint8").reshape(-1, 8, 8, 1)
        train_images, test_images, train_labels, test_labels = train_test_split(
            images, labels, test_size=0.2, random_state=0, stratify=labels
        )
        train = InMemory(resized(train_images, size), train_labels)
        return train, InMemory(resized(test_images, size), test_labels)


class Tfds:
    """A data set of tensorflow-datasets.

    Args:
        name: Its name there.
        size: Height and width of its pictures, or the usual ones.
        mean: Of its channels, of pixels scaled to 0..1.
        std: Of its channels, of pixels scaled to 0..1.
        test: Name of the split to test on.
        streamed: Whether to read it from disk every epoch, not into memory once.
    """

    def __init__(self, name, size, mean, std, test="test", streamed=False):
        self._name, self._size, self._test = name, size, test
        self._mean, self._std, self._streamed = mean, std, streamed

    def input_format(self, data_dir=None, image_size=None):
        """The `InputFormat`; needs no prepared data."""
        import tensorflow_datasets as tfds

        features = tfds.builder(self._name, data_dir=data_dir).info.features
        size = image_size or self._size
        shape = (size, size, len(self._mean))
        return InputFormat(features["label"].names, shape, self._mean, self._std)

    def splits(self, data_dir, size):
        """The train and the test split.

        Raises:
            OSError: The data are not there and cannot be downloaded.
        """
        import tensorflow_datasets as tfds

        builder = prepared(self._name, data_dir)
        splits = []
        for name in ("train", self._test):
            if self._streamed:
                stop = builder.info.splits[name].num_examples
                splits.append(Streamed(builder, name, 0, stop))
            else:
                examples = tfds.as_numpy(builder.as_dataset(split=name, batch_size=-1))
                images = resized(examples["image"], size)
                splits.append(InMemory(images, examples["label"]))
        return tuple(splits)


# Krizhevsky 2009: 50,000 and 10,000 pictures of 32x32.
CIFAR10 = Tfds("cifar10", 32, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
CIFAR100 = Tfds("cifar100", 32, (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
# Russakovsky et al. 2015. Its test labels are secret: papers report its validation set.
IMAGENET2012 = Tfds(
    "imagenet2012", 224, IMAGENET_MEAN, IMAGENET_STD, "validation", streamed=True
)


def prepared(name, data_dir):
    """A TFDS builder whose data are on this machine, downloaded where need be.

    Raises:
        OSError: The data are not there and cannot be downloaded.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=data_dir)
    try:
        # TFDS reports to standard output, which is the commands' own.
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare()
    except Exception as error:
        # TFDS lets through whatever its network and file libraries raise.
        raise OSError(
            f"{name} is not prepared in {builder.data_dir} and could not be "
            f"downloaded ({type(error).__name__}: {error}). Run `tfds build {name}` "
            "on a machine with a network and copy the folder there, or pass the "
            "data_dir that holds it. See "
            f"https://www.tensorflow.org/datasets/catalog/{name} for data sets that "
            "must be downloaded by hand."
        ) from error
    return builder


def resized(images, size):
    """Resizes uint8 pictures `(n, h, w, c)` to `(n, size, size, c)`, antialiased."""
    if images.shape[1:3] == (size, size):
        return images
    # In parts: the resized pictures are float32 before they are uint8 again.
    parts = np.array_split(images, max(1, len(images) // 1000))
    return np.concatenate([_resized(part, size).numpy() for part in parts])


def _resized(images, size):
    images = tf.image.resize(images, (size, size), antialias=True)
    return tf.saturate_cast(tf.round(images), tf.uint8)
