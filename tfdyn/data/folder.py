"""A folder of images as a data set, with a folder for each class."""

import collections
import functools
import os
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfdyn.data import image_paths
from tfdyn.data.folder_layout import find_class_names, find_layout
from tfdyn.data.image_files import LARGEST_WHOLE, load_square, open_image
from tfdyn.data.input_format import InputFormat
from tfdyn.data.sources import IMAGENET_MEAN, IMAGENET_STD
from tfdyn.data.split import InMemory
from tfdyn.errors import UserError

TEST_SHARE = 0.2
# Not the seed of any validation images: these are drawn from what is left.
TEST_SEED = -1


class Folder:
    """A data set in a folder, with a subfolder for each class.

    The names of the subfolders are the names of the classes. They lie in `data_dir`,
    or in a training and a test folder in it (`folder_layout.TRAIN` and `TEST`).
    Without a test folder, about a fifth of the images of each class is the test set.
    Whether an image belongs to it depends on the path of that image alone, so it stays
    there when other images are added or removed.

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
        names = find_class_names(find_layout(data_dir).train)
        return InputFormat(names, (size, size, 3), IMAGENET_MEAN, IMAGENET_STD)

    def splits(self, data_dir, size: int) -> tuple[InMemory, InMemory]:
        """Returns the training split and the test split.

        Prints one line that counts classes, images, and files that are left out.

        Args:
            data_dir: Path of the folder.
            size: Height and width of the images in pixels.

        Raises:
            UserError: If a folder or a file is not as described above.
            OSError: If a file or a folder may not be read.
        """
        layout = find_layout(data_dir)
        names = find_class_names(layout.train)
        roots = [layout.train] + ([layout.test] if layout.test else [])
        if layout.test and (differing := set(names) ^ set(find_class_names(roots[1]))):
            raise UserError(
                f"{layout.train} and {layout.test} must hold the same classes, but "
                f"only one of them has {', '.join(sorted(differing))}."
            )
        left_out, images, loose = collections.Counter(), [], 0
        for root in roots:
            images.append(paths_and_labels(root, left_out))
            files = image_paths.list_folder(root)[1]
            loose += sum(image_paths.is_image_name(path.name) for path in files)
        total = sum(len(paths) for paths, _ in images)
        parts = [f"{len(names)} classes", f"{total} images", *layout.notes]
        if left_out:
            parts.append(image_paths.describe_left_out(left_out))
        if loose:
            parts.append(f"{loose} images outside the class folders left out")
        print(f"{data_dir}: {', '.join(parts)}", file=sys.stderr)
        if not layout.test:
            _check_spare(layout.train, names, images[0][1])
        splits = [
            read_split(*each, size, root.name, _names_below(root, names, *each))
            for root, each in zip(roots, images, strict=True)
        ]
        return splits if layout.test else splits[0].hold_out(TEST_SHARE, TEST_SEED)


def _check_spare(root, names, labels):
    """Checks that each class has an image for training and one for the test."""
    counts = np.bincount(labels, minlength=len(names))
    single = [name for name, count in zip(names, counts, strict=True) if count == 1]
    if single:
        raise UserError(
            f"{root} holds one image of {', '.join(single[:5])}"
            f"{', ...' if single[5:] else ''}: add one that can be held out as a test "
            f"image, or make the folders train and test."
        )


def _names_below(root, names, paths, labels):
    """Returns the path of each image below its class folder, alike on all systems."""
    return [
        unicodedata.normalize(
            "NFC", Path(path).relative_to(root / names[label]).as_posix()
        )
        for path, label in zip(paths, labels, strict=True)
    ]


def paths_and_labels(
    root: Path, left_out: collections.Counter | None = None
) -> tuple[list[str], list[int]]:
    """Lists the images in the class folders of a folder.

    Args:
        root: Path of the folder that holds the class folders.
        left_out: Gets the number of other files, by their ending.

    Returns:
        The paths of the images and their labels. A label is the index of the class in
        `find_class_names(root)`.

    Raises:
        UserError: If a class has no image, or there are fewer than two classes.
        OSError: If a file or a folder may not be read.
    """
    paths, labels = [], []
    for label, name in enumerate(find_class_names(root)):
        class_paths, others = image_paths.find_images(root / name)
        if not class_paths:
            files = f" ({image_paths.describe_left_out(others)})" if others else ""
            raise UserError(
                f"{root / name} holds no image that can be read here{files}: add some, "
                f"as .jpg or .png for example, or remove the folder."
            )
        if left_out is not None:
            left_out.update(others)
        paths += class_paths
        labels += [label] * len(class_paths)
    return paths, labels


def read_split(
    paths: list, labels: list, size: int, title: str, names: list | None = None
) -> InMemory:
    """Decodes all images of a split once and returns the split.

    Args:
        paths: Paths of the image files.
        labels: Labels of the images, integers.
        size: Height and width of the images in pixels.
        title: Title of the progress bar.
        names: Names of the images, as for `InMemory`.

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
        return InMemory(np.stack(images), labels, names=names)
    # As bytes, because the name of a file need not be UTF-8.
    rows = np.array([os.fsencode(path) for path in paths])
    return InMemory(rows, labels, _decode, names)


def _verify(path):
    open_image(path)


def _decode(path):
    """Returns the uint8 image `(height, width, 3)` at a path, a string tensor."""
    image = tf.numpy_function(
        lambda path: np.asarray(open_image(os.fsdecode(path))),
        [path],
        tf.uint8,
        stateful=False,
    )
    return tf.ensure_shape(image, (None, None, 3))
