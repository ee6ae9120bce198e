import numpy as np
from matplotlib.image import imread
from reports_content import RESULTS

from tfdyn.evaluation.plot import plot


def test_the_plot_is_a_picture(tmp_path):
    plot(tmp_path / "plot.png", RESULTS, 1)
    picture = imread(tmp_path / "plot.png")
    assert picture.shape[0] > 300 and np.ptp(picture) > 0.5
    assert [file.name for file in tmp_path.iterdir()] == ["plot.png"]


def test_categories_are_drawn_too(tmp_path):
    threshold, result = RESULTS[0]
    use = {"cell_0": {"max_pool": 0.0, "skip": 0.0}}
    categories = {f"category_{index}": use for index in range(20)}
    plot(tmp_path / "plain.png", [(threshold, result)], 0)
    plot(
        tmp_path / "categories.png",
        [(threshold, {**result, "use_by_category": categories})],
        0,
    )
    plain, wide = (imread(tmp_path / f"{n}.png") for n in ("plain", "categories"))
    assert wide.shape[1] > plain.shape[1]


def test_a_number_and_a_tuple_of_the_same_results_are_drawn(tmp_path):
    _, result = RESULTS[0]
    plot(tmp_path / "plot.png", [(1.0, result), ((0.5, 0.9), result)], 0)
