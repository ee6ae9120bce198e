"""Flagfiles: the same settings from Python, a command and a file."""

import pytest
from example_settings import CHANGED, Example

from tfdyn.settings.flagfiles import expand, from_flagfile, to_flagfile


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "example.flags"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("example", [Example(), CHANGED, Example(names=())])
def test_a_flagfile_repeats_the_settings(write, example):
    assert from_flagfile(Example, write(to_flagfile(example))) == example


def test_an_empty_flagfile_is_the_defaults(write):
    assert from_flagfile(Example, write("# A note.\n\n")) == Example()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("--other=1", "other"),
        ("--whole=1.5", "whole"),
        ("--whole=many", "whole"),
        ("--real=much", "real"),
        ("--yes=maybe", "yes"),
        ("--choice=three", "choice"),
        ("whole=2", "whole=2"),
        ("--whole=2\nreal=3\n--text=b", "real=3"),
    ],
)
def test_a_bad_line_is_refused_by_its_name(write, text, name):
    with pytest.raises(ValueError, match=f"example.flags.*{name}"):
        from_flagfile(Example, write(text))


def test_a_missing_flagfile_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.flags"):
        from_flagfile(Example, tmp_path / "nowhere.flags")


def test_a_byte_order_mark_is_left_out(write):
    assert from_flagfile(Example, write("\ufeff--whole=7")).whole == 7


def test_files_are_replaced_by_their_lines_in_place(write):
    path = write("# A note.\n--b=2\n\n// Another.\n--c=3 \n")
    words = [
        "--a=1",
        "--flagfile",
        str(path),
        f"-flagfile={path}",
        "--",
        f"--flagfile={path}",
    ]
    lines = ["--b=2", "--c=3"]
    assert expand(words) == ["--a=1", *lines, *lines, *words[-2:]]


@pytest.mark.parametrize("text", ["a ", " a", "a\nb", "caf\udce9"])
def test_text_that_a_line_cannot_keep_is_refused(text):
    with pytest.raises(ValueError, match="--text=.*cannot be kept"):
        to_flagfile(Example(text=text))
