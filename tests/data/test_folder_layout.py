"""Which folders are classes, and which are splits."""

import os

import pytest

from tfdyn.data.folder_layout import find_class_names, find_layout


def make(root, *names):
    """Makes files (with an ending) and folders (without)."""
    for name in names:
        path = root / name
        (path.parent if path.suffix else path).mkdir(parents=True, exist_ok=True)
        if path.suffix:
            path.touch()
    return root


def layout(root):
    folders = find_layout(root)
    train, test = folders.train.relative_to(root), folders.test
    return str(train), test and test.name, find_class_names(folders.train)


CLASSES = ("cat", "dog")


@pytest.mark.parametrize("train", ["train", "Train", "TRAINING", "training"])
@pytest.mark.parametrize(
    "test", ["test", "Test", "testing", "val", "VALID", "Validation"]
)
def test_splits_in_any_case(tmp_path, train, test):
    make(tmp_path, *(f"{part}/{name}" for part in (train, test) for name in CLASSES))
    assert layout(tmp_path) == (train, test, CLASSES)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # A class that is called like a split.
        ("bus/a.png car/a.png train/a.png", (".", None, ("bus", "car", "train"))),
        ("bus/a.png car/a.png test/a.png", (".", None, ("bus", "car", "test"))),
        ("bus/a.png val/a.png", (".", None, ("bus", "val"))),
        # The first test folder with class folders; the others are not read.
        ("train/cat train/dog val/cat val/dog test/a.png", ("train", "val", CLASSES)),
        ("train/cat train/dog val/cat test/cat", ("train", "test", CLASSES)),
        ("train/cat train/dog test/a.png", ("train", None, CLASSES)),
        # What lies beside a training folder holds no image.
        ("train/cat train/dog docs/a.txt", ("train", None, CLASSES)),
        # What systems leave.
        (
            "cat/a.png dog/a.png @eaDir/a.png __MACOSX/a.png $RECYCLE.BIN/a.png .git/a",
            (".", None, CLASSES),
        ),
        ("cat/images/a.png dog/images/a.png", (".", None, CLASSES)),
    ],
)
def test_layouts(tmp_path, names, expected):
    assert layout(make(tmp_path, *names.split())) == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            "bus/a.png car/a.png train/steam/a.png train/electric/a.png",
            "If train is a class, put its images directly in it",
        ),
        ("cat/a.png dog/a.png test/cat/a.png", "test holds folders of the same names"),
        ("train/cat Train/cat test/cat", "several folders for one split"),
        ("train/cat test/cat Test/cat", r"several folders for one split \(Test, test"),
        ("Trainset/cat Trainset/dog Testset/cat Testset/dog", "folders of the same"),
        ("Test/cat Test/dog Val/cat Val/dog", "All folders of .*Test, Val.*cat, dog"),
        ("a/cat a/dog a/emu b/cat b/dog", "All folders of .*same names .cat, dog"),
        ("photos/cat photos/dog", "two classes.*Is --data_dir=.*photos meant"),
        ("train/a.png test/a.png", "train holds 0 folder.*two classes"),
        ("cat\nline/a.png dog/a.png", "control character: 'cat.nline'.*rename"),
        ("a\x1b[31mb/a.png dog/a.png", "control character"),
        ("a\u2028b/a.png dog/a.png", "control character"),
        (os.fsdecode(b"caf\xe9/a.png dog/a.png"), r"not UTF-8: 'caf.udce9'"),
    ],
)
def test_what_cannot_be_decided_is_refused(tmp_path, names, message):
    make(tmp_path, *names.split(" "))
    with pytest.raises(ValueError, match=message):
        layout(tmp_path)


@pytest.mark.parametrize("folder", [None, "", "~nobodyhere/x", "no\0thing", "a" * 999])
def test_what_is_no_folder_is_refused(folder):
    with pytest.raises((ValueError, OSError), match="data_dir|File name too long"):
        find_layout(folder)


@pytest.mark.parametrize("name", ["new\nline", os.fsdecode(b"caf\xe9")])
def test_a_path_that_files_of_text_do_not_hold_is_refused(tmp_path, name):
    make(tmp_path, f"{name}/cat", f"{name}/dog")
    with pytest.raises(ValueError, match="path of the data .*move or rename it"):
        find_layout(tmp_path / name)


def test_what_is_not_read_is_said(tmp_path):
    make(tmp_path, "train/cat", "train/dog", "test/cat", "test/dog", "val", "docs")
    assert find_layout(tmp_path).notes == ("docs, val beside train not read",)
