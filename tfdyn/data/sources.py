"""Public data sets: the input format of each, and how to read its images."""

import numpy as np

from tfdyn.data.augmentation import resize
from tfdyn.data.input_format import InputFormat
from tfdyn.data.split import InMemory, Streamed
from tfdyn.data.tfds_files import (
    check_files,
    explain_broken,
    make_builder,
    prepare_builder,
)
from tfdyn.errors import UserError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# Images in memory may take so many bytes.
LARGEST_MEMORY = 2**34


class Digits:
    """The 1,797 handwritten digits of 8x8 pixels that scikit-learn ships.

    A fifth of them is the test set. Source: Alpaydin and Kaynak, "Optical Recognition
    of Handwritten Digits", UCI.
    """

    def input_format(self, data_dir=None, image_size: int | None = None) -> InputFormat:
        """Returns the `InputFormat`.

        Args:
            data_dir: Must be `None`.
            image_size: Height and width of the images in pixels. `None`: 8.

        Raises:
            UserError: If `data_dir` is not `None`.
        """
        if data_dir is not None:
            raise UserError(
                f"data_dir={data_dir!r} is not used, because the digits ship with "
                "scikit-learn: leave it out."
            )
        size = image_size or 8
        return InputFormat(tuple("0123456789"), (size, size, 1), (0.3054,), (0.3760,))

    def splits(self, data_dir, size: int) -> tuple[InMemory, InMemory]:
        """Returns the training split and the test split.

        Args:
            data_dir: Not used.
            size: Height and width of the images in pixels.
        """
        # scikit-learn is slow to import, and only this data set needs it.
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        del data_dir
        images, labels = load_digits(return_X_y=True)
        images = np.round(images * (255 / 16)).astype("uint8").reshape(-1, 8, 8, 1)
        train_images, test_images, train_labels, test_labels = train_test_split(
            images, labels, test_size=0.2, random_state=0, stratify=labels
        )
        train = InMemory(resize_images(train_images, size), train_labels)
        return train, InMemory(resize_images(test_images, size), test_labels)


class Tfds:
    """A data set of TensorFlow Datasets (TFDS).

    Args:
        name: String, the name of the data set in TFDS.
        size: Integer, the usual height and width of the images in pixels.
        mean: Tuple of floats, the mean of each channel, with pixels scaled to 0..1.
        std: Tuple of floats, the standard deviation of each channel, with pixels
            scaled to 0..1.
        test: String, the name of the TFDS split that is the test set.
        streamed: Bool. True: the images are read from disk in each epoch. False: they
            are read into memory once.
    """

    def __init__(
        self,
        name: str,
        size: int,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        test: str = "test",
        streamed: bool = False,
    ):
        self._name, self._size, self._test = name, size, test
        self._mean, self._std, self._streamed = mean, std, streamed

    def input_format(self, data_dir=None, image_size: int | None = None) -> InputFormat:
        """Returns the `InputFormat`; the data need not be on this machine.

        Args:
            data_dir: Path of the folder of TFDS. `None`: its default.
            image_size: Height and width of the images in pixels. `None`: the `size` of
                the data set.

        Raises:
            UserError: If a file of the data set is broken.
        """
        builder = make_builder(self._name, data_dir)
        with explain_broken(builder):
            features = builder.info.features
        size = image_size or self._size
        shape = (size, size, len(self._mean))
        return InputFormat(features["label"].names, shape, self._mean, self._std)

    def splits(self, data_dir, size: int) -> tuple:
        """Returns the training split and the test split.

        Args:
            data_dir: Path of the folder of TFDS. `None`: its default.
            size: Height and width of the images in pixels.

        Returns:
            Two `Streamed` or two `InMemory`.

        Raises:
            UserError: If a file of the data set is broken, or the images do not fit in
                memory.
            OSError: If the data are missing and cannot be downloaded.
        """
        import tensorflow_datasets as tfds  # Slow to import.

        builder = prepare_builder(self._name, data_dir)
        splits = []
        for name in ("train", self._test):
            if self._streamed:
                check_files(builder, name)
                stop = builder.info.splits[name].num_examples
                splits.append(Streamed(builder, name, 0, stop))
            else:
                with explain_broken(builder):
                    dataset = builder.as_dataset(split=name, batch_size=-1)
                    arrays = tfds.as_numpy(dataset)
                images = resize_images(arrays["image"], size)
                splits.append(InMemory(images, arrays["label"]))
        return tuple(splits)


# Krizhevsky 2009: 50,000 training and 10,000 test images of 32x32.
CIFAR10 = Tfds("cifar10", 32, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
CIFAR100 = Tfds("cifar100", 32, (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
# Russakovsky et al. 2015. The test labels are secret, so papers report results on the
# validation set.
IMAGENET2012 = Tfds(
    "imagenet2012", 224, IMAGENET_MEAN, IMAGENET_STD, "validation", streamed=True
)


def resize_images(images: np.ndarray, size: int) -> np.ndarray:
    """Resizes images to a square, with antialiasing.

    Args:
        images: uint8 array `(images, height, width, channels)`.
        size: Height and width of the result in pixels.

    Returns:
        uint8 array `(images, size, size, channels)`.

    Raises:
        UserError: If the result would take more than 16 GiB.
    """
    if len(images) * size**2 * images.shape[-1] > LARGEST_MEMORY:
        raise UserError(
            f"image_size={size} makes {len(images)} images larger than the "
            f"{LARGEST_MEMORY / 2**30:.0f} GiB of memory that they may take: pass a "
            "smaller one."
        )
    if images.shape[1:3] == (size, size):
        return images
    # About 1000 images at a time, because the float32 result needs four times the
    # memory of the uint8 images.
    parts = np.array_split(images, max(1, len(images) // 1000))
    return np.concatenate([resize(part, (size, size)).numpy() for part in parts])
