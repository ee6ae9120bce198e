"""Units."""

import pytest

from tfdyn.text import readable


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
