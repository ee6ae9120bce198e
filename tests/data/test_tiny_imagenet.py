"""TinyImageNet, from a small folder of its layout."""

import numpy as np
import pytest
from PIL import Image

from tfdyn.data.dataset import load, shape_of

COLORS = {"n01443537": (250, 0, 0), "n01629819": (0, 250, 0), "n01641577": (0, 0, 250)}


def write(path, color):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), color).save(path, quality=95)


@pytest.fixture
def root(tmp_path):
    lines = []
    for label, (name, color) in enumerate(COLORS.items()):
        for index in range(10):
            write(tmp_path / "train" / name / "images" / f"{name}_{index}.JPEG", color)
        (tmp_path / "train" / name / f"{name}_boxes.txt").write_text("")
        # In another order than the classes.
        file = f"val_{2 - label}.JPEG"
        write(tmp_path / "val" / "images" / file, color)
        lines.append(f"{file}\t{name}\t0\t32\t44\t62\n")
        write(tmp_path / "test" / "images" / f"test_{label}.JPEG", (9, 9, 9))
    (tmp_path / "val" / "val_annotations.txt").write_text("".join(lines))
    return tmp_path


def test_images_have_the_classes_of_their_folders_and_annotations(root):
    dataset = load("tinyimagenet", str(root))
    assert dataset.input_format.class_names == tuple(COLORS)
    assert dataset.input_format.shape == (64, 64, 3)
    splits = ("train", "validation", "test")
    assert [dataset.num_examples(split) for split in splits] == [27, 3, 3]
    form = dataset.input_format
    for split in splits:
        for images, labels in dataset.batches(split, 3):
            middle = (images[:, 32, 32] * form.std + form.mean) * 255
            expected = np.array(list(COLORS.values()))[labels]
            np.testing.assert_allclose(middle, expected, atol=6)


def test_without_its_folder_it_can_be_counted_but_not_read():
    assert shape_of("tinyimagenet") == ((64, 64, 3), 200)
    with pytest.raises(
        ValueError, match="data_dir=None is not a folder: pass the folder tiny"
    ):
        load("tinyimagenet")


def test_what_is_missing_or_wrong_is_named(root):
    annotations = root / "val" / "val_annotations.txt"
    content = annotations.read_text()
    for line in ("val_9.JPEG\tn00000000\n", "../val_9.JPEG\tn01443537\n"):
        annotations.write_text(content + line)
        with pytest.raises(ValueError, match="one of the 3 classes in train/: .*val_9"):
            load("tinyimagenet", str(root))
    annotations.write_text("")
    with pytest.raises(ValueError, match="val_annotations.txt is empty"):
        load("tinyimagenet", str(root))
    annotations.unlink()
    with pytest.raises(OSError, match="There is no .*val_annotations.txt.*Unpack"):
        load("tinyimagenet", str(root))
    with pytest.raises(ValueError, match="with train/ in it"):
        load("tinyimagenet", str(root / "val"))
