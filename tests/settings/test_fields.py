"""Fields of settings as flags."""

import dataclasses

import pytest
from absl import flags

from tfdyn.settings.fields import (
    check_fields,
    define_flags,
    from_flagfile,
    from_flags,
    setting,
    to_flagfile,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    """A setting of every kind."""

    text: str = setting("a", "Text.")
    text_or_none: str | None = setting(None, "Text or none.")
    choice: str = setting("one", "A choice.", choices=("one", "two"))
    whole: int = setting(1, "A whole number.")
    whole_or_none: int | None = setting(None, "A whole number or none.")
    real: float = setting(0.5, "A real number.")
    real_or_none: float | None = setting(None, "A real number or none.")
    yes: bool = setting(True, "Yes.")
    no: bool = setting(False, "No.")
    names: tuple = setting(("a", "b"), "Names.")
    names_or_none: tuple | None = setting(None, "Names or none.")


CHANGED = Example(
    text="with spaces, commas = and # signs",
    text_or_none="",
    choice="two",
    whole=-3,
    whole_or_none=0,
    real=3e-5,
    real_or_none=0.1 + 0.2,
    yes=False,
    no=True,
    names=("c",),
    names_or_none=("d", "e"),
)


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


def test_flags_of_a_command():
    values = flags.FlagValues()
    define_flags(Example, values)
    values(["command", "--whole=7", "--noyes", "--names=x,y"])
    assert from_flags(Example, values) == Example(whole=7, yes=False, names=("x", "y"))
    assert "A whole number or none." in values.get_help()


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
    with pytest.raises(ValueError, match="nowhere.flags"):
        from_flagfile(Example, tmp_path / "nowhere.flags")


def test_choices_hold_in_python_too():
    check_fields(CHANGED)
    with pytest.raises(ValueError, match="--choice is one of one, two; got 'three'"):
        check_fields(Example(choice="three"))
