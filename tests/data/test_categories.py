"""Categories of classes."""

import collections
import json
import os

import pytest

from tfdyn.data import categories
from tfdyn.data.dataset import input_format_of
from tfdyn.errors import explain

CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck".split()


def test_cifar10_has_animals_and_vehicles():
    indices = categories.of_classes("cifar10", CIFAR10)
    names = [list(categories.load("cifar10"))[index][0] for index in indices]
    assert "".join(names) == "vvaaaaaavv"


def test_cifar100_has_20_superclasses_of_5():
    superclasses = categories.load("cifar100")
    # Its labels are in the order of their names.
    class_names = sorted(name for names in superclasses.values() for name in names)
    assert len(set(class_names)) == 100
    assert (class_names[0], class_names[51], class_names[99]) == (
        "apple",
        "mushroom",
        "worm",
    )
    indices = categories.of_classes("cifar100", class_names)
    assert collections.Counter(indices) == dict.fromkeys(range(20), 5)
    assert list(superclasses)[indices[51]] == "fruit_and_vegetables"


def test_imagenet_has_58_categories_of_about_equal_size():
    class_names = input_format_of("imagenet2012").class_names
    indices = categories.of_classes("imagenet", class_names)
    sizes = collections.Counter(indices)
    assert len(indices) == 1000 and len(sizes) == 58
    assert max(sizes.values()) == 27
    names = categories.names("imagenet", class_names)
    by_class = dict(zip(class_names, names, strict=True))
    # Tench, Yorkshire terrier, tabby cat, convertible, daisy.
    some = ("n01440764", "n02094433", "n02123045", "n03100240", "n11939491")
    expected = ["fish", "terrier", "feline", "motor_vehicle", "organism"]
    assert [by_class[name] for name in some] == expected


def test_the_name_of_each_class_s_category():
    assert categories.names("cifar10", ["ship", "cat"]) == ["vehicles", "animals"]
    assert categories.names("none", ["ship", "cat"]) == []


def test_none_has_none():
    assert categories.load("none") == {} == dict(categories.of_classes("none", "ab"))


def test_a_file_is_read_in_its_order(tmp_path):
    path = tmp_path / "categories.json"
    path.write_text(json.dumps({"low": ["1", "0"], "high": ["8", "9"], "more": [7]}))
    assert list(categories.load(path)) == ["low", "high", "more"]
    assert categories.of_classes(path, ("0", "9", "1", "7")) == [0, 1, 0, 2]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"low": "1"}', '{"low": [[1]]}', "[" * 100_000, "\xff", None],
)
def test_what_is_no_such_file_is_refused(tmp_path, content):
    path = tmp_path / "categories.json"
    if content is not None:
        path.write_text(content, "latin-1")
    with pytest.raises((ValueError, OSError), match="categories.json.*cifar10") as info:
        categories.load(path)
    assert explain(info.value)


def test_categories_of_another_data_set_are_refused():
    with pytest.raises(ValueError, match="is for the classes of imagenet alone"):
        categories.of_classes("imagenet", ("0", "1", "2"))


def test_a_folder_or_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match="a file is expected"):
            categories.load(path)


def test_a_byte_order_mark_is_left_out(tmp_path):
    path = tmp_path / "categories.json"
    path.write_text('{"low": ["0"]}', "utf-8-sig")
    assert categories.load(path) == {"low": ["0"]}


@pytest.mark.parametrize("other", [["3"], ["0", "2"]])
def test_a_class_in_no_category_or_in_two_is_refused(tmp_path, other):
    path = tmp_path / "categories.json"
    path.write_text(json.dumps({"low": ["0", "1"], "high": other}))
    wrong = "0" if "2" in other else "2"
    with pytest.raises(ValueError, match=f"in none or in several: {wrong}"):
        categories.of_classes(path, ("0", "1", "2"))
