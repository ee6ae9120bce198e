"""A folder of images as a data set, with a folder for each class."""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfdyn.data.image_files import EXTENSIONS, LARGEST_WHOLE, load_square, open_image
from tfdyn.data.input_format import InputFormat
from tfdyn.data.sources import IMAGENET_MEAN, IMAGENET_STD
from tfdyn.data.split import InMemory
from tfdyn.errors import UserError

TEST_FOLDERS = ("test", "val", "validation")
TEST_SHARE = 0.2


class Folder:
    """A data set in a folder, with a subfolder for each class.

    The names of the subfolders are the names of the classes. They lie in `data_dir`,
    or in `data_dir/train` and in one of `data_dir/test`, `data_dir/val` and
    `data_dir/validation` (the first that exists). Without a test folder, a fifth of
    the images of each class is the test set, always the same images.

    Every file is decoded once, to find broken ones. If the network reads images of up
    to 96x96 pixels, they are kept in memory, cropped to their middle square and
    resized. If it reads larger images, the files are decoded again in each epoch.
    """

    def input_format(self, data_dir=None, image_size: int | None = None) -> InputFormat:
        """Returns the `InputFormat`.

        Args:
            data_dir: Path of the folder.
            image_size: Height and width of the images in pixels. `None`: 32.

        Raises:
            UserError: If the folder is not as described above.
        """
        size = image_size or 32
        names = class_names(_folders(data_dir)[0])
        return InputFormat(names, (size, size, 3), IMAGENET_MEAN, IMAGENET_STD)

    def splits(self, data_dir, size: int) -> tuple[InMemory, InMemory]:
        """Returns the training split and the test split.

        Args:
            data_dir: Path of the folder.
            size: Height and width of the images in pixels.

        Raises:
            UserError: If a folder or a file is not as described above.
        """
        train_folder, test_folder = _folders(data_dir)
        if test_folder is None:
            return _read_folder(train_folder, size).hold_out(TEST_SHARE, seed=0)
        differing = set(class_names(train_folder)) ^ set(class_names(test_folder))
        if differing:
            raise UserError(
                f"{train_folder} and {test_folder} must hold the same classes, but "
                f"only one of them has {', '.join(sorted(differing))}."
            )
        return _read_folder(train_folder, size), _read_folder(test_folder, size)


def _folders(data_dir):
    """Returns the folder of training images, and that of test images or `None`."""
    if data_dir is None or not Path(data_dir).expanduser().is_dir():
        raise UserError(
            f"data_dir={data_dir!r} is not a folder: pass the folder that holds a "
            "folder of images for each class."
        )
    root = Path(data_dir).expanduser()
    if not (root / "train").is_dir():
        return root, None
    tests = (root / name for name in TEST_FOLDERS if (root / name).is_dir())
    return root / "train", next(tests, None)


def class_names(root: Path) -> tuple[str, ...]:
    """Returns the names of the class folders in a folder, sorted.

    Raises:
        UserError: If there are fewer than two.
    """
    paths = (path for path in root.iterdir() if path.is_dir())
    names = sorted(path.name for path in paths if not path.name.startswith("."))
    if len(names) < 2:
        raise UserError(
            f"{root} holds {len(names)} folder(s); expected a folder of images for "
            "each of at least two classes."
        )
    return tuple(names)


def _read_folder(root, size):
    return read_split(*paths_and_labels(root), size, root.name)


def paths_and_labels(root: Path) -> tuple[list[str], list[int]]:
    """Lists the images in the class folders of a folder.

    Args:
        root: Path of the folder that holds the class folders.

    Returns:
        The paths of the images and their labels. A label is the index of the class in
        `class_names(root)`.

    Raises:
        UserError: If a class has no image, or there are fewer than two classes.
    """
    paths, labels = [], []
    for label, name in enumerate(class_names(root)):
        class_paths = _image_paths(root / name)
        if not class_paths:
            raise UserError(
                f"{root / name} holds no image ({' '.join(EXTENSIONS)}): "
                "add some, or remove the folder."
            )
        paths += class_paths
        labels += [label] * len(class_paths)
    return paths, labels


def read_split(paths: list, labels: list, size: int, title: str) -> InMemory:
    """Decodes all images of a split once and returns the split.

    Args:
        paths: Paths of the image files.
        labels: Labels of the images, integers.
        size: Height and width of the images in pixels.
        title: Title of the progress bar.

    Raises:
        UserError: If a file cannot be decoded.
    """
    in_memory = size <= LARGEST_WHOLE  # 100,000 images of 96x96 take 2.8 GB.
    check = functools.partial(load_square, size=size) if in_memory else _verify
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(check, paths)
        bar = tqdm(results, title, len(paths), unit=" files", disable=None)
        images = list(bar)
    if in_memory:
        return InMemory(np.stack(images), labels)
    return InMemory(np.array(paths), labels, _decode)


def _image_paths(root):
    """Returns the paths of the images in a folder and its subfolders, sorted."""
    return sorted(
        str(path)
        for path in root.rglob("*")
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")
    )


def _verify(path):
    open_image(path)


def _decode(path):
    """Returns the uint8 image `(height, width, 3)` at a path, a string tensor."""
    image = tf.numpy_function(
        lambda path: np.asarray(open_image(path.decode())),
        [path],
        tf.uint8,
        stateful=False,
    )
    return tf.ensure_shape(image, (None, None, 3))
