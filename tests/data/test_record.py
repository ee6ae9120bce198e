"""What a run records of its data."""

import numpy as np
import pytest
from PIL import Image

from tfdyn.data import record
from tfdyn.data.dataset import load


def write(folder, classes=("cat", "dog"), images=6, size=4):
    generator = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(images):
            pixels = generator.integers(0, 256, (size, size, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture(params=[8, 100], ids=["in memory", "read in each epoch"])
def make(request, tmp_path):
    for split in ("train", "test"):
        write(tmp_path / "images" / split)
    return lambda folder="images": record.make(
        load("folder", tmp_path / folder, request.param, 0.2)
    )


def test_counts_images_by_split_and_class(make):
    content = make()
    assert content["train"] == {"images": 10, "classes": {"cat": 5, "dog": 5}}
    assert content["validation"] == {"images": 2, "classes": {"cat": 1, "dog": 1}}
    assert len(content["test"].pop("labelled_digest")) == 64
    assert content["test"] == {"images": 12, "classes": {"cat": 6, "dog": 6}}


def test_the_same_data_have_not_changed(make):
    assert make() == make()
    assert record.changes(make(), make()) == ""


def test_says_what_has_changed(make, tmp_path):
    before = make()
    (tmp_path / "images" / "train" / "cat" / "0.png").unlink()
    assert record.changes(before, make()) == "9 train images instead of 10"
    cat, dog = (tmp_path / "images" / "test" / name for name in ("cat", "dog"))
    (cat / "0.png").rename(dog / "9.png")
    assert "other numbers of test images in the classes" in record.changes(
        before, make()
    )


def test_another_image_in_the_test_set(make, tmp_path):
    before = make()
    cat = tmp_path / "images" / "test" / "cat"
    Image.new("RGB", (4, 4), "red").save(cat / "00new.png")
    (cat / "5.png").unlink()
    assert record.changes(before, make()) == "as many test images, but others"


def test_classes_that_are_exchanged(make, tmp_path):
    large = tmp_path / "images" / "test" / "cat" / "0.png"
    Image.new("RGB", (64, 64), "red").save(large)  # Of files, the sizes are compared.
    before = make()
    cat, dog, away = (
        tmp_path / "images" / "test" / name for name in ("cat", "dog", "x")
    )
    for source, target in ((cat, away), (dog, cat), (away, dog)):
        source.rename(target)
    assert record.changes(before, make()) != ""


def test_a_record_of_an_earlier_version_has_another_digest(make):
    before = make()
    del before["test"]["labelled_digest"]
    before["test"]["digest"] = "0" * 64
    assert record.changes(before, make()) == ""


def test_the_folder_may_move(make, tmp_path):
    before = make()
    (tmp_path / "images").rename(tmp_path / "moved")
    assert record.changes(before, make("moved")) == ""


@pytest.mark.parametrize("before", [{}, {"test": 3}, {"test": {}}, {"train": {"a": 1}}])
def test_a_record_of_anything_is_no_crash(before):
    assert isinstance(record.changes(before, record.make(load("digits"))), str)
