"""Public data sets: each function returns an input format, a train and a test split."""

import contextlib
import sys

import numpy as np
import tensorflow as tf

from tfdyn.data.input_format import InputFormat
from tfdyn.data.split import InMemory, Streamed

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def digits(data_dir=None, image_size=None):
    """The 1,797 handwritten 8x8 digits that scikit-learn ships; a fifth is the test.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    if data_dir is not None:
        raise ValueError(
            f"data_dir={data_dir!r} is not read: the digits ship with scikit-learn; "
            "leave it out."
        )
    images, labels = load_digits(return_X_y=True)
    images = np.round(images * (255 / 16)).astype("uint8").reshape(-1, 8, 8, 1)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, test_size=0.2, random_state=0, stratify=labels
    )
    size = image_size or 8
    input_format = InputFormat(
        class_names=tuple("0123456789"),
        shape=(size, size, 1),
        mean=(0.3054,),
        std=(0.3760,),
    )
    train = InMemory(resized(train_images, size), train_labels)
    return input_format, train, InMemory(resized(test_images, size), test_labels)


def cifar10(data_dir=None, image_size=None):
    """CIFAR-10: 50,000 and 10,000 pictures of 32x32 (Krizhevsky 2009), in memory."""
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    return _in_memory("cifar10", data_dir, image_size or 32, mean, std)


def cifar100(data_dir=None, image_size=None):
    """CIFAR-100: 50,000 and 10,000 pictures of 32x32 (Krizhevsky 2009), in memory."""
    mean, std = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
    return _in_memory("cifar100", data_dir, image_size or 32, mean, std)


def imagenet2012(data_dir=None, image_size=None):
    """ImageNet, ILSVRC 2012 (Russakovsky et al. 2015), read from disk every epoch.

    Its test labels are secret: the test split is its validation set, as in papers.
    """
    builder = prepared("imagenet2012", data_dir)
    size = image_size or 224
    input_format = InputFormat(
        class_names=tuple(builder.info.features["label"].names),
        shape=(size, size, 3),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )
    splits = (
        Streamed(builder, name, 0, builder.info.splits[name].num_examples)
        for name in ("train", "validation")
    )
    return input_format, *splits


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


def _in_memory(name, data_dir, size, mean, std):
    import tensorflow_datasets as tfds

    builder = prepared(name, data_dir)
    input_format = InputFormat(
        class_names=tuple(builder.info.features["label"].names),
        shape=(size, size, len(mean)),
        mean=mean,
        std=std,
    )
    splits = []
    for split in ("train", "test"):
        examples = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1))
        splits.append(InMemory(resized(examples["image"], size), examples["label"]))
    return input_format, *splits
