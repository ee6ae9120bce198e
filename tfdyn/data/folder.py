"""A folder of pictures as a data set: one folder a class."""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfdyn.data.image_files import EXTENSIONS, LARGEST_WHOLE, open_picture, square
from tfdyn.data.input_format import InputFormat
from tfdyn.data.sources import IMAGENET_MEAN, IMAGENET_STD
from tfdyn.data.split import InMemory
from tfdyn.errors import UserError

TEST_FOLDERS = ("test", "val", "validation")
TEST_SHARE = 0.2


class Folder:
    """Pictures in one folder a class; the folders' names are the classes.

    The class folders lie in `data_dir`, or in `data_dir/train` and `data_dir/test`
    (or `val` or `validation`, the first there is). Without a test folder a fifth of
    every class is the test set, always the same. Every picture is decoded once to
    find broken files. Up to a size of 96 pictures are then kept in memory, cropped
    to their middle square; larger ones are decoded again every epoch.

    Its methods raise a ValueError where a folder or a file is not as described.
    """

    def input_format(self, data_dir=None, image_size=None):
        """The `InputFormat`, of 32x32 unless `image_size` is given."""
        size = image_size or 32
        names = class_names(_folders(data_dir)[0])
        return InputFormat(names, (size, size, 3), IMAGENET_MEAN, IMAGENET_STD)

    def splits(self, data_dir, size):
        """The train and the test split."""
        train_folder, test_folder = _folders(data_dir)
        if test_folder is None:
            return _read(train_folder, size).hold_out(TEST_SHARE, seed=0)
        differing = set(class_names(train_folder)) ^ set(class_names(test_folder))
        if differing:
            raise UserError(
                f"{train_folder} and {test_folder} must hold the same classes; "
                f"only one of them has {', '.join(sorted(differing))}."
            )
        return _read(train_folder, size), _read(test_folder, size)


def _folders(data_dir):
    """The folder of the training classes, and that of the test's or None."""
    if data_dir is None or not Path(data_dir).expanduser().is_dir():
        raise UserError(
            f"data_dir={data_dir!r} is not a folder; give the one that holds a "
            "folder of pictures for each class."
        )
    root = Path(data_dir).expanduser()
    if not (root / "train").is_dir():
        return root, None
    tests = (root / name for name in TEST_FOLDERS if (root / name).is_dir())
    return root / "train", next(tests, None)


def class_names(root):
    """The names of the class folders in `root`, sorted."""
    paths = (path for path in root.iterdir() if path.is_dir())
    names = sorted(path.name for path in paths if not path.name.startswith("."))
    if len(names) < 2:
        raise UserError(
            f"{root} holds {len(names)} folder(s); a folder of pictures for "
            "each of at least two classes is expected."
        )
    return tuple(names)


def _read(root, size):
    """The split of the class folders in `root`."""
    return read(*class_folders(root), size, root.name)


def class_folders(root):
    """The paths of the pictures in the class folders of `root`, and their labels.

    Raises:
        ValueError: If a class has no picture, or there is only one.
    """
    paths, labels = [], []
    for label, name in enumerate(class_names(root)):
        found = _pictures(root / name)
        if not found:
            raise UserError(
                f"{root / name} holds no picture ({' '.join(EXTENSIONS)}); "
                "add some, or remove the folder."
            )
        paths += found
        labels += [label] * len(found)
    return paths, labels


def read(paths, labels, size, title):
    """The split of some pictures, all of which are decoded once.

    Args:
        paths: Their files.
        labels: Their labels.
        size: Height and width in pixels.
        title: Of the bar that shows how many are read.
    """
    in_memory = size <= LARGEST_WHOLE  # 100,000 of them take 2.8 GB.
    check = functools.partial(square, size=size) if in_memory else _verify
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        checked = pool.map(check, paths)
        bar = tqdm(checked, title, len(paths), unit=" files", disable=None)
        results = list(bar)
    if in_memory:
        return InMemory(np.stack(results), labels)
    return InMemory(np.array(paths), labels, _decode)


def _pictures(root):
    """The paths of the pictures in `root` and below, sorted."""
    return sorted(
        str(path)
        for path in root.rglob("*")
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")
    )


def _verify(path):
    open_picture(path)


def _decode(path):
    """The picture `(height, width, 3)` at a path tensor."""
    image = tf.numpy_function(
        lambda path: np.asarray(open_picture(path.decode())),
        [path],
        tf.uint8,
        stateful=False,
    )
    return tf.ensure_shape(image, (None, None, 3))
