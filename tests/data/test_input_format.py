"""The input format."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfdyn.data.input_format import InputFormat


def make(**changes):
    fields = {
        "class_names": ("cat", "dog"),
        "shape": (4, 4, 3),
        "mean": (0.1, 0.2, 0.3),
        "std": (0.5, 0.25, 0.2),
    }
    return InputFormat(**{**fields, **changes})


@pytest.mark.parametrize("kind", ["uint8", "float32"])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_normalize(kind, batch):
    pixels = np.random.default_rng(0).integers(0, 256, (*batch, 4, 4, 3))
    expected = (pixels / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.25, 0.2]
    array = make().normalize(pixels.astype(kind))
    tensor = make().normalize(tf.constant(pixels.astype(kind)))
    assert array.dtype == "float32" and tensor.dtype == tf.float32
    np.testing.assert_allclose(array, expected, atol=1e-5)
    np.testing.assert_array_equal(array, tensor)


def test_save_and_load(tmp_path):
    path = tmp_path / "format.json"
    make().save(path)
    make(mean=(0.0, 0.0, 0.0)).save(path)
    assert InputFormat.load(path) == make(mean=(0.0, 0.0, 0.0))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "3",
        '{"shape": [4, 4, 3]}',
        json.dumps({**vars(make()), "unknown": 1}),
        json.dumps({**vars(make()), "shape": 4}),
        json.dumps({**vars(make()), "mean": ["a", "b", "c"]}),
    ],
)
def test_load_names_the_malformed_file(tmp_path, text):
    path = tmp_path / "format.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="format.json"):
        InputFormat.load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"class_names": ("cat",)},
        {"class_names": (1, 2)},
        {"shape": (4, 4)},
        {"shape": (4, 0, 3)},
        {"mean": (0.1,)},
        {"std": (0.5, 0.5, 0.5, 0.5)},
        {"std": (0.5, 0.0, 0.5)},
        {"std": (0.5, float("inf"), 0.5)},
        {"mean": (0.5, float("nan"), 0.5)},
        {"mean": "abc"},
        {"shape": (4, True, 3)},
        {"class_names": ("cat", "cat")},
    ],
)
def test_refuses_what_does_not_fit(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        make(**changes)


@pytest.mark.parametrize("name", ["a\nb", "a\r", "a\u2028b", "", " ", "caf\udce9"])
def test_a_class_name_that_files_cannot_hold(name):
    with pytest.raises(ValueError, match="class name .* rename the class"):
        make(class_names=("cat", name))


@pytest.mark.parametrize(
    "changes, text",
    [
        ({}, ""),
        ({"class_names": ("dog", "cat")}, "the classes in another order"),
        ({"class_names": ("cat", "emu")}, "without 'dog', with 'emu'"),
        (
            {"class_names": ("cat", "dog", *"abcde")},
            "7 classes instead of 2, with 'a', 'b', 'c' and 2 more",
        ),
        ({"shape": (8, 8, 3)}, "shape (8, 8, 3) instead of (4, 4, 3)"),
        ({"mean": (0.0, 0.2, 0.3)}, "mean (0.0, 0.2, 0.3) instead of (0.1, 0.2, 0.3)"),
    ],
)
def test_says_in_a_few_words_how_another_differs(changes, text):
    assert make().difference(make(**changes)) == text


def test_needs_no_tensorflow():
    code = (
        "import sys; from tfdyn.data import input_format;"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
