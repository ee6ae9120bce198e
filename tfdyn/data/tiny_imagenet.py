"""TinyImageNet, read from the folder that its archive contains."""

from pathlib import PurePath

from tfdyn.data import folder
from tfdyn.data.folder_layout import find_class_names, find_folder
from tfdyn.data.image_paths import is_folder
from tfdyn.data.input_format import InputFormat
from tfdyn.data.sources import IMAGENET_MEAN, IMAGENET_STD
from tfdyn.data.split import InMemory
from tfdyn.errors import UserError
from tfdyn.reading import read_text

CLASSES, SIZE = 200, 64
ANNOTATIONS = "val_annotations.txt"


class TinyImageNet:
    """200 classes of ImageNet at 64x64 pixels, in the folder `tiny-imagenet-200`.

    `train/CLASS/images/` holds 500 training images of each class. The test labels are
    secret, so the validation images in `val/images/` are the test set here. Their
    classes are in `val/val_annotations.txt`. Each line names the file and the class of
    an image, separated by a tab.
    """

    def input_format(self, data_dir=None, image_size: int | None = None) -> InputFormat:
        """Returns the `InputFormat`.

        Args:
            data_dir: Path of `tiny-imagenet-200`. `None`: the names of the classes are
                "0" to "199".
            image_size: Height and width of the images in pixels. `None`: 64.

        Raises:
            UserError: If `data_dir` is not as described above.
        """
        size = image_size or SIZE
        names = tuple(map(str, range(CLASSES)))
        if data_dir is not None:
            names = find_class_names(_part(data_dir, "train"))
        return InputFormat(names, (size, size, 3), IMAGENET_MEAN, IMAGENET_STD)

    def splits(self, data_dir, size: int) -> tuple[InMemory, InMemory]:
        """Returns the training split and the test split.

        Args:
            data_dir: Path of `tiny-imagenet-200`.
            size: Height and width of the images in pixels.

        Raises:
            UserError: If a folder, a file or a line is not as described above.
        """
        train = _part(data_dir, "train")
        test = _annotated(_part(data_dir, "val"), find_class_names(train))
        train = folder.read_split(*folder.paths_and_labels(train), size, "train")
        return train, folder.read_split(*test, size, "val")


def _part(data_dir, name):
    content = f"the folder tiny-imagenet-200 of the TinyImageNet archive, with {name}/"
    part = find_folder(data_dir, content) / name
    if not is_folder(part):
        raise UserError(f"data_dir={data_dir!r} must be {content} in it.")
    return part


def _annotated(root, names):
    """Returns the paths of the images in the annotations, and their labels."""
    path, paths, labels = root / ANNOTATIONS, [], []
    kind = f"the classes of the images in {root / 'images'}"
    for line in read_text(path, kind, "Unpack the archive again.").splitlines():
        file, _, fields = line.partition("\t")
        name = fields.partition("\t")[0]
        if name not in names or file != PurePath(file).name:
            raise UserError(
                f"{path} has a line that is not the name of a file, a tab and one of "
                f"the {len(names)} classes in train/: {line!r}. Unpack the archive "
                f"again."
            )
        paths.append(str(root / "images" / file))
        labels.append(names.index(name))
    if not paths:
        raise UserError(f"{path} is empty. Unpack the archive again.")
    return paths, labels
