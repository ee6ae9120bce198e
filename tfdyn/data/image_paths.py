"""Paths of the image files below a folder; all other files are counted."""

import collections
import os
import pathlib
import stat

from tfdyn.data.image_files import endings
from tfdyn.errors import UserError
from tfdyn.reading import check_file

# What file servers and systems leave between files, in small letters.
SYSTEM_NAMES = {
    "$recycle.bin",
    "#recycle",
    "#snapshot",
    "@eadir",
    "@recycle",
    "@recently-snapshot",
    "__macosx",
    "desktop.ini",
    "lost+found",
    "system volume information",
    "thumbs.db",
}


def is_passed_over(name: str) -> bool:
    """Returns whether a file or folder is hidden, or left there by a system.

    Args:
        name: Name of the file or folder, without its path.
    """
    return name.startswith(".") or name.casefold() in SYSTEM_NAMES


def is_image_name(name: str) -> bool:
    """Returns whether the ending of a file is that of an image that can be read."""
    return pathlib.PurePath(name).suffix.lower() in endings()


def list_folder(folder) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Lists a folder, without what is passed over. Links are followed.

    Args:
        folder: Path of the folder.

    Returns:
        Its folders and its files, each sorted.

    Raises:
        OSError: If the folder may not be read.
    """
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not is_passed_over(entry.name):
                path = pathlib.Path(folder, entry.name)
                (folders if entry.is_dir() else files).append(path)
    return folders, files


def find_images(root) -> tuple[list[str], collections.Counter]:
    """Finds the images in a folder and its subfolders.

    Links to folders are followed, after all other folders. No folder is read twice,
    and none that `root` lies in, so links that lead back do not matter.

    Args:
        root: Path of the folder.

    Returns:
        The paths of the images, sorted; and how many files were left out, by their
        ending. Hidden files and folders, and those of systems, are not counted.

    Raises:
        UserError: If an image is no ordinary file, or a link that leads nowhere.
        OSError: If a file or a folder may not be read.
    """
    paths, left_out = [], collections.Counter()
    seen = {_identity(parent) for parent in pathlib.Path(root).resolve().parents}
    folders, links = [pathlib.Path(root)], []
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        if (identity := _identity(folder)) in seen:
            continue
        seen.add(identity)
        subfolders, files = list_folder(folder)
        links += (path for path in subfolders if path.is_symlink())
        folders += (path for path in subfolders if not path.is_symlink())
        for path in files:
            if is_image_name(path.name):
                _check_image(path)
                paths.append(str(path))
            else:
                left_out[path.suffix.lower() or "no ending"] += 1
    return sorted(paths), left_out


def _identity(folder):
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _check_image(path):
    try:
        check_file(path)
    except FileNotFoundError as error:
        raise UserError(
            f"{path} is a link that leads nowhere: remove it, or put the image there."
        ) from error


def describe_left_out(left_out: collections.Counter) -> str:
    """Returns what was left out, such as "25 files left out (.tif 20, .heic 5)".

    Args:
        left_out: Number of files by ending, as `find_images` returns it.
    """
    kinds = [f"{ending} {count}" for ending, count in left_out.most_common(5)]
    more = ", ..." if len(left_out) > 5 else ""
    return f"{left_out.total()} files left out ({', '.join(kinds)}{more})"


def is_folder(path) -> bool:
    """Returns whether a path is a folder, or a link to one.

    Raises:
        PermissionError: If a folder above it may not be entered.
    """
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
