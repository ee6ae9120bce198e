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


def test_a_flagfile_may_include_one_that_lies_beside_it(write, tmp_path):
    write("--whole=7\n--text=b\n")
    other = tmp_path / "other.flags"
    other.write_text("--flagfile=example.flags\n--text=c\n")
    settings = from_flagfile(Example, other)
    assert (settings.whole, settings.text) == (7, "c")


def test_the_current_folder_is_looked_in_first(write, tmp_path, monkeypatch):
    write("--whole=7")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "example.flags").write_text("--whole=8")
    (tmp_path / "other.flags").write_text("--flagfile=example.flags")
    monkeypatch.chdir(tmp_path / "here")
    assert from_flagfile(Example, tmp_path / "other.flags").whole == 8


@pytest.mark.parametrize(
    "name", ["example.flags", "./example.flags", "../{}/example.flags"]
)
def test_a_flagfile_that_includes_itself_is_refused(write, tmp_path, name):
    path = write(f"--flagfile={name.format(tmp_path.name)}")
    with pytest.raises(ValueError, match="example.flags names itself"):
        from_flagfile(Example, path)


@pytest.mark.parametrize("text", ["a ", " a", "a\nb", "caf\udce9"])
def test_text_that_a_line_cannot_keep_is_refused(text):
    with pytest.raises(ValueError, match="--text=.*cannot be kept"):
        to_flagfile(Example(text=text))
