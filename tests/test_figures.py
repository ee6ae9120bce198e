"""Figures: whole or not there."""

import pytest
from matplotlib.image import imread

from tfdyn.figures import figure


def test_a_figure_is_written_whole(tmp_path):
    with figure(tmp_path / "plot.png", (4, 3)) as axes:
        axes.plot([1, 2], [3, 4])
    assert imread(tmp_path / "plot.png").shape[:2] == (360, 480)
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


def test_several_columns_are_several_axes(tmp_path):
    with figure(tmp_path / "plot.png", columns=2) as (left, right):
        assert left is not right and left.figure is right.figure


def test_after_an_exception_nothing_is_there(tmp_path):
    with pytest.raises(ZeroDivisionError), figure(tmp_path / "plot.png"):
        1 / 0  # noqa: B018
    assert list(tmp_path.iterdir()) == []
