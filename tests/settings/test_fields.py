"""Fields of settings as flags."""

import pytest
from absl import flags
from example_settings import CHANGED, Example

from tfdyn.settings.fields import (
    check_fields,
    define_flags,
    from_flags,
    parse_value,
)


def test_flags_of_a_command():
    values = flags.FlagValues()
    define_flags(Example, values)
    values(["command", "--whole=7", "--noyes", "--names=x,y"])
    assert from_flags(Example, values) == Example(whole=7, yes=False, names=("x", "y"))
    assert "A whole number or none." in values.get_help()


def test_the_text_of_a_flag_is_a_value():
    assert parse_value(Example, "whole", "7") == 7
    assert parse_value(Example, "names", "x,y") == ("x", "y")
    with pytest.raises(ValueError, match="whole"):
        parse_value(Example, "whole", "7.5")


def test_choices_hold_in_python_too():
    check_fields(CHANGED)
    with pytest.raises(ValueError, match="--choice is one of one, two; got 'three'"):
        check_fields(Example(choice="three"))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_are_finite(number):
    with pytest.raises(ValueError, match="--real must be a finite number"):
        check_fields(Example(real=number))
