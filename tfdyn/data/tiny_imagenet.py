"""TinyImageNet, from the folder that its archive unpacks to."""

from pathlib import Path

from tfdyn.data import folder
from tfdyn.data.input_format import InputFormat
from tfdyn.data.sources import IMAGENET_MEAN, IMAGENET_STD
from tfdyn.errors import UserError

CLASSES, SIZE = 200, 64
ANNOTATIONS = "val_annotations.txt"


class TinyImageNet:
    """200 classes of ImageNet at 64x64, in the folder `tiny-imagenet-200`.

    `train/CLASS/images/` holds 500 pictures of each class. The test labels are secret:
    the test set is that of validation, `val/images/`, whose classes stand in
    `val/val_annotations.txt`, a line a picture: file, tab, class.
    """

    def input_format(self, data_dir=None, image_size=None):
        """The `InputFormat`; without a folder its classes are numbers."""
        size = image_size or SIZE
        names = tuple(map(str, range(CLASSES)))
        if data_dir is not None:
            names = folder.class_names(_part(data_dir, "train"))
        return InputFormat(names, (size, size, 3), IMAGENET_MEAN, IMAGENET_STD)

    def splits(self, data_dir, size):
        """The train and the test split.

        Raises:
            ValueError: A folder, a file or a line is not as described.
        """
        train = _part(data_dir, "train")
        test = _annotated(_part(data_dir, "val"), folder.class_names(train))
        train = folder.read(*folder.class_folders(train), size, "train")
        return train, folder.read(*test, size, "val")


def _part(data_dir, name):
    if data_dir is None or not (Path(data_dir).expanduser() / name).is_dir():
        raise UserError(
            f"data_dir={data_dir!r} must be the folder tiny-imagenet-200 that its "
            f"archive unpacks to, with {name}/ in it."
        )
    return Path(data_dir).expanduser() / name


def _annotated(root, names):
    """The paths of the pictures that the annotations name, and their labels."""
    if not (root / ANNOTATIONS).exists():
        raise UserError(
            f"{root / ANNOTATIONS} is missing: it holds the classes of the pictures in "
            f"{root / 'images'}. Unpack the archive anew."
        )
    paths, labels = [], []
    for line in (root / ANNOTATIONS).read_text().splitlines():
        file, _, rest = line.partition("\t")
        name = rest.partition("\t")[0]
        if name not in names:
            raise UserError(
                f"{root / ANNOTATIONS} has a line that is not a file, a tab and one of "
                f"the {len(names)} classes in train/: {line!r}."
            )
        paths.append(str(root / "images" / file))
        labels.append(names.index(name))
    return paths, labels
