"""Folders of images."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from tfdyn.data.augmentation import Augmentation
from tfdyn.data.dataset import load, shape_of

COLORS = {"cat": (250, 0, 0), "dog": (0, 250, 0)}


def write(path, color, size=(40, 30), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).convert(mode).save(path, **options)


def fill(root, count=10, names=tuple(COLORS)):
    for name in names:
        for i in range(count):
            write(root / name / f"{i}.png", COLORS.get(name, (9, 9, 9)))
    return root


def counts(dataset):
    return [dataset.num_examples(s) for s in ("train", "validation", "test")]


def examples(dataset, split, **options):
    """Pixels 0..255 of the middle of every image, and the labels."""
    middles, labels = [], []
    form = dataset.input_format
    size = form.shape[0]
    for images, batch_labels in dataset.batches(split, 4, **options):
        assert images.shape[1:] == form.shape
        middle = images[:, size // 2, size // 2] * form.std + form.mean
        middles += np.round(middle * 255).astype(int).tolist()
        labels += batch_labels.numpy().tolist()
    return middles, labels


@pytest.mark.parametrize("image_size", [None, 97])
def test_class_folders(tmp_path, image_size):
    dataset = load("folder", fill(tmp_path), image_size=image_size)
    assert dataset.input_format.class_names == ("cat", "dog")
    assert dataset.input_format.shape == (image_size or 32, image_size or 32, 3)
    assert counts(dataset) == [14, 2, 4]
    for split in ("train", "validation", "test"):
        middles, labels = examples(dataset, split)
        assert labels.count(0) == labels.count(1)
        assert [tuple(m) for m in middles] == [list(COLORS.values())[i] for i in labels]


@pytest.mark.parametrize("image_size", [32, 128])
def test_training(tmp_path, image_size):
    dataset = load("folder", fill(tmp_path), image_size=image_size)
    augmentation = Augmentation("resized" if image_size > 96 else "pad")
    middles, labels = examples(dataset, "train", augmentation=augmentation)
    assert [tuple(m) for m in middles] == [list(COLORS.values())[i] for i in labels]


@pytest.mark.parametrize("name", ["test", "val", "validation"])
def test_train_and_test_folders(tmp_path, name):
    fill(tmp_path / "train")
    fill(tmp_path / name, 3)
    assert counts(load("folder", tmp_path)) == [18, 2, 6]


def test_the_shape_is_known_without_reading_an_image(tmp_path):
    for part in ("train", "test"):
        for name in COLORS:
            (tmp_path / part / name).mkdir(parents=True)
    assert shape_of("folder", tmp_path, 48) == ((48, 48, 3), 2)


def test_train_folder_alone(tmp_path):
    fill(tmp_path / "train")
    assert counts(load("folder", tmp_path, validation_share=0)) == [16, 0, 4]


def test_at_least_one_test_image_a_class(tmp_path):
    dataset = load("folder", fill(tmp_path, 2), validation_share=0)
    assert counts(dataset) == [2, 0, 2]
    assert sorted(examples(dataset, "test")[1]) == [0, 1]


@pytest.mark.parametrize("image_size", [32, 128])
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("0.jpg", "RGB"),
        ("0.JPEG", "CMYK"),
        ("0.png", "RGBA"),
        ("0.png", "P"),
        ("0.png", "L"),
        ("0.bmp", "RGB"),
        ("0.gif", "P"),
        ("0.webp", "RGB"),
    ],
)
def test_every_kind_of_image_becomes_rgb(tmp_path, name, mode, image_size):
    # A color that every palette has.
    for label in COLORS:
        for i in range(2):
            write(tmp_path / label / f"{i}{name}", (102, 102, 102), mode=mode)
    dataset = load("folder", tmp_path, image_size=image_size, validation_share=0)
    middles, _ = examples(dataset, "test")
    assert np.abs(np.array(middles) - 102).max() <= 3 and len(middles) == 2


def test_turned_photographs_stand_upright(tmp_path):
    # The left half is red; the EXIF data demand a quarter turn.
    image = Image.new("RGB", (64, 64))
    image.paste((255, 0, 0), (0, 0, 32, 64))
    exif = Image.Exif()
    exif[0x0112] = 6
    fill(tmp_path, 2, ["dog"])
    (tmp_path / "cat").mkdir()
    for i in range(2):
        image.save(tmp_path / "cat" / f"{i}.jpg", exif=exif)
    dataset = load("folder", tmp_path, validation_share=0)
    image = next(iter(dataset.batches("test", 1)))[0][0].numpy()
    assert image[4, :, 0].min() > image[28, :, 0].max() + 1


def test_keeps_the_middle_square(tmp_path):
    image = Image.new("RGB", (120, 40))
    image.paste((255, 255, 255), (40, 0, 80, 40))
    fill(tmp_path, 2, ["dog"])
    (tmp_path / "cat").mkdir()
    for i in range(2):
        image.save(tmp_path / "cat" / f"{i}.png")
    dataset = load("folder", tmp_path, validation_share=0)
    image = next(iter(dataset.batches("test", 1)))[0][0].numpy()
    assert image[:, 1:-1].min() > 2


def test_ignores_what_is_no_image(tmp_path):
    fill(tmp_path)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "readme.txt").touch()
    (tmp_path / "cat" / "notes.txt").touch()
    (tmp_path / "cat" / "._0.png").touch()
    assert sum(counts(load("folder", tmp_path))) == 20


def test_missing_folder(tmp_path):
    with pytest.raises(ValueError, match="nowhere"):
        load("folder", tmp_path / "nowhere")


def test_one_class(tmp_path):
    with pytest.raises(ValueError, match="two classes"):
        load("folder", fill(tmp_path, names=["cat"]))


def test_a_class_without_images(tmp_path):
    fill(tmp_path)
    (tmp_path / "emu").mkdir()
    with pytest.raises(ValueError, match="emu"):
        load("folder", tmp_path)


def test_a_test_folder_of_other_classes(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test", names=["cat", "emu"])
    with pytest.raises(ValueError, match="dog, emu"):
        load("folder", tmp_path)


@pytest.mark.parametrize("image_size", [32, 128])
@pytest.mark.parametrize("damage", ["empty", "truncated", "no image"])
def test_names_the_broken_file(tmp_path, image_size, damage):
    fill(tmp_path)
    path = tmp_path / "dog" / "3.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    Image.fromarray(noise).save(path)
    content = {
        "empty": b"",
        "truncated": path.read_bytes()[:900],
        "no image": b"<html></html>",
    }
    path.write_bytes(content[damage])
    with pytest.raises(ValueError, match="3.jpg"):
        load("folder", tmp_path, image_size=image_size)


@pytest.mark.parametrize("image_size", [32, 128])
def test_one_line_counts_what_is_read_and_left_out(tmp_path, image_size, capsys):
    fill(tmp_path)
    for number in range(3):
        (tmp_path / "cat" / f"{number}.heic").touch()
    write(tmp_path / "loose.png", (1, 2, 3))
    load("folder", tmp_path, image_size=image_size)
    line = capsys.readouterr().err.splitlines()[0]
    assert line == (
        f"{tmp_path}: 2 classes, 20 images, 3 files left out (.heic 3), "
        "1 images outside the class folders left out"
    )


def test_a_class_of_other_files_alone_says_which(tmp_path):
    fill(tmp_path)
    (tmp_path / "emu").mkdir()
    (tmp_path / "emu" / "a.heic").touch()
    with pytest.raises(ValueError, match=r"emu holds no image .*\(.heic 1\)"):
        load("folder", tmp_path)


def sides(root):
    """The split of each image, by the red of its pixels."""
    dataset = load("folder", root)
    splits = ("train", "validation", "test")
    return {
        middle[0]: split for split in splits for middle in examples(dataset, split)[0]
    }


def test_no_image_changes_sides_when_others_come_and_go(tmp_path):
    for number in range(60):
        write(tmp_path / "cat" / f"{number}.png", (number, 0, 0))
        write(tmp_path / "dog" / "deep" / f"{number}.png", (100 + number, 0, 0))
    first = sides(tmp_path)
    assert len(first) == 120
    write(tmp_path / "cat" / "00new.png", (90, 0, 0))
    write(tmp_path / "dog" / "znew.png", (91, 0, 0))
    (tmp_path / "dog" / "deep" / "7.png").unlink()
    # Nor do the name of a class and the place of the folder matter.
    (tmp_path / "cat").rename(tmp_path / "zcat")
    then = sides(tmp_path.rename(tmp_path.parent / "moved"))
    assert {**first, **then} == {**then, **first}
    assert {*then} - {*first} == {90, 91}


@pytest.mark.parametrize(
    ("counts", "share", "message"),
    [
        ({"cat": 2, "dog": 40}, 0.1, r"none in 1 of 2 classes: cat \(1 for training\)"),
        ({"cat": 1, "dog": 40}, 0, "holds one image of cat: add one"),
        ({"cat": 1, "dog": 1}, 0.1, "holds one image of cat, dog"),
        ({f"c{number}": 2 for number in range(9)}, 0.1, "none in 9 of 9.*c4 .1.*, ..."),
        ({"train/cat": 1, "train/dog": 2, "test/cat": 1, "test/dog": 1}, 0.1, "cat"),
    ],
)
def test_a_class_without_an_image_to_spare_is_named(tmp_path, counts, share, message):
    for name, count in counts.items():
        fill(tmp_path, count, [name])
    with pytest.raises(ValueError, match=message):
        load("folder", tmp_path, validation_share=share)


@pytest.mark.parametrize("image_size", [32, 128])
def test_files_whose_names_are_not_utf_8_are_read(tmp_path, image_size):
    fill(tmp_path)
    for number in range(10):
        name = os.fsdecode(b"caf\xe9%d.png" % number)
        write(tmp_path / "cat" / name, COLORS["cat"])
    dataset = load("folder", tmp_path, image_size=image_size)
    assert sum(counts(dataset)) == 30
    for split in ("train", "validation", "test"):
        middles, labels = examples(dataset, split)
        assert [tuple(m) for m in middles] == [list(COLORS.values())[i] for i in labels]


def test_strips_are_cropped_before_they_are_enlarged(tmp_path):
    fill(tmp_path, 2, ["dog"])
    for number in range(2):
        write(tmp_path / "cat" / f"{number}.png", COLORS["cat"], (2, 60_000))
    dataset = load("folder", tmp_path, image_size=224, validation_share=0)
    middles, labels = examples(dataset, "test")
    assert tuple(middles[labels.index(0)]) == COLORS["cat"]


def test_large_images_are_read_anew_each_epoch(tmp_path):
    dataset = load("folder", fill(tmp_path), image_size=128, validation_share=0)
    shutil.rmtree(tmp_path / "dog")
    with pytest.raises(Exception, match="dog"):
        examples(dataset, "train")
