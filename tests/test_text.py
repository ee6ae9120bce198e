"""Numbers and tables as people read them."""

import pytest

from tfdyn.text import align, is_line, readable


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (577_230, "577.23 k"),
        (84_650_000, "84.65 M"),
        (2.5e9, "2.50 G"),
    ],
)
def test_readable(number, text):
    assert readable(number) == text


def test_columns_are_aligned():
    rows = [["", "accuracy", "MACs"], ["all", "98.89 %", "771.07 k"], ["T=0.5"]]
    assert align(rows).splitlines() == [
        "       accuracy      MACs",
        "all     98.89 %  771.07 k",
        "T=0.5",
    ]
    assert align([["a", "bb", "1"], ["aa", "b", "22"]], left_columns=2) == (
        "a   bb   1\naa  b   22"
    )
    assert align([]) == ""


@pytest.mark.parametrize("text", ["a", "a b", "new-line", "猫", "café"])
def test_a_line(text):
    assert is_line(text)


@pytest.mark.parametrize(
    "text", ["", " ", "a\n", "a\nb", "a\r", "a\x85b", "a\u2028b", "caf\udce9"]
)
def test_no_line(text):
    assert not is_line(text)
