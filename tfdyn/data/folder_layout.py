"""Layout of a folder of images: which folders are classes, and which are splits."""

import dataclasses
import unicodedata
from pathlib import Path

from tfdyn.data.image_paths import find_images, is_folder, is_image_name, list_folder
from tfdyn.errors import UserError

# Names of the folders of training and of test images, in any case. The first that is
# there is read.
TRAIN = ("train", "training")
TEST = ("test", "testing", "val", "validation", "valid")
EXPECTED = "expected a folder of images for each of at least two classes"
# Unicode's kinds of characters that end lines or steer terminals.
CONTROL = ("Cc", "Zl", "Zp")


@dataclasses.dataclass(frozen=True)
class Layout:
    """The folders that are read.

    Attributes:
        train: Folder that holds the class folders of the training images.
        test: That of the test images, or `None`: a part of `train` is held out.
        notes: Tuple of strings, what a user may not expect.
    """

    train: Path
    test: Path | None = None
    notes: tuple[str, ...] = ()


def find_folder(data_dir, content: str) -> Path:
    """Returns the path of a folder of images.

    Args:
        data_dir: Path of the folder; `~` is a home.
        content: What it should hold, for errors.

    Raises:
        UserError: If it is no folder, or its path cannot be written in files of text.
        PermissionError: If a folder above it may not be entered.
    """
    root = None if data_dir in (None, "") else expand_home(data_dir)
    if root is None or not is_folder(root):
        raise UserError(f"data_dir={data_dir!r} is not a folder: pass {content}.")
    check_name(str(root), "The path of the data", "move or rename it")
    return root


def expand_home(path) -> Path:
    """Returns a path with `~` or `~NAME` replaced by that user's home.

    Raises:
        UserError: If there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(
            f"data_dir={str(path)!r} begins with the home of a user who does not exist "
            "here: write the whole path."
        ) from error


def find_layout(data_dir) -> Layout:
    """Finds the folders of training and of test images.

    Without a training folder, the class folders lie in `data_dir` itself.

    Args:
        data_dir: Path of the folder.

    Raises:
        UserError: If it is no folder, or it cannot be decided which folders are meant.
        OSError: If a folder may not be read.
    """
    content = "the folder that holds a folder of images for each class"
    root = find_folder(data_dir, content)
    folders, _ = list_folder(root)
    train, tests = _named(folders, TRAIN), _named(folders, TEST)
    others = [path for path in folders if path not in train + tests]
    if len(train) > 1:
        raise _several(root, train)
    if train and len({path.name.casefold() for path in tests}) < len(tests):
        raise _several(root, tests)
    if train and tests:
        # A test folder without class folders often holds images without labels.
        labelled = [path for path in tests if _class_folders(path)]
        test = labelled[0] if labelled else None
        beside = [path for path in others + tests if path != test]
        return Layout(train[0], test, _not_read(beside))
    if train and not others:
        return Layout(train[0])
    if train and _class_folders(train[0]):
        beside = [path for path in others if find_images(path)[0]]
        if not beside:
            return Layout(train[0], notes=_not_read(others))
        raise UserError(
            f"{train[0]} holds folders, and beside it are folders of images "
            f"({_some(beside)}). If {train[0].name} is a class, put its images "
            f"directly in it; if it holds the classes, move what is beside it away."
        )
    for test in tests:
        common = {path.name for path in _class_folders(test)} & {
            path.name for path in others
        }
        if common:
            raise UserError(
                f"{test} holds folders of the same names as the class folders beside "
                f"it ({_some(common)}): move those into {root / 'train'}."
            )
    notes = (f"the folder {path.name} is taken as a class" for path in train + tests)
    return Layout(root, notes=tuple(notes))


def find_class_names(root: Path) -> tuple[str, ...]:
    """Returns the names of the class folders in a folder, sorted.

    Raises:
        UserError: If there are fewer than two, if they seem to be splits, or if a name
            cannot be written in files of text.
        OSError: If a folder may not be read.
    """
    folders, _ = list_folder(root)
    if len(folders) < 2:
        inner = [path for path in folders if len(list_folder(path)[0]) > 1]
        hint = f" Is --data_dir={inner[0]} meant?" if inner else ""
        raise UserError(f"{root} holds {len(folders)} folder(s); {EXPECTED}.{hint}")
    for path in folders:
        check_name(path.name, f"A class folder of {root}", "rename it")
    inner = [{each.name for each in _class_folders(path)} for path in folders]
    common = sorted(set.intersection(*inner))
    if len(common) > 1:
        raise UserError(
            f"All folders of {root} ({_some(folders)}) hold folders of the same names "
            f"({_some(common)}) and no image directly. If these are the classes, name "
            f"the folders train and test, or name one of them by --data_dir. If not, "
            f"put the images of a class directly in its folder."
        )
    return tuple(path.name for path in folders)


def check_name(name: str, kind: str, mend: str) -> None:
    """Checks that a name can be written in files of text: UTF-8, and in one line.

    Args:
        name: The name.
        kind: What it is the name of, for errors.
        mend: How to mend it, for errors.

    Raises:
        UserError: If it cannot be written.
    """
    reason = None
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        reason = "is not UTF-8"
    elif any(unicodedata.category(letter) in CONTROL for letter in name):
        reason = "has a line break or another control character"
    if reason:
        raise UserError(f"{kind} {reason}: {ascii(name)}. Please {mend}.")


def _class_folders(folder):
    """Returns the folders in a folder; none if it holds an image itself."""
    folders, files = list_folder(folder)
    return [] if any(is_image_name(path.name) for path in files) else folders


def _named(folders, names):
    """Returns the folders with one of the names, in the order of the names."""
    fitting = [path for path in folders if path.name.casefold() in names]
    return sorted(fitting, key=lambda path: names.index(path.name.casefold()))


def _several(root, folders):
    return UserError(
        f"{root} holds several folders for one split ({_some(folders)}): keep one of "
        f"them there."
    )


def _not_read(folders):
    return (f"{_some(folders)} beside train not read",) if folders else ()


def _some(items):
    """Returns the first names of paths or strings, in one line."""
    names = sorted(getattr(item, "name", item) for item in items)
    return ", ".join(map(ascii_if_odd, names[:5])) + (", ..." if names[5:] else "")


def ascii_if_odd(name: str) -> str:
    """Returns a name, or its form in ASCII if it cannot be printed."""
    return name if name.isprintable() else ascii(name)
