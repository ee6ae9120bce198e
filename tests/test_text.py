"""Numbers and tables as people read them."""

import pytest

from tfdyn.text import align, readable


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
