"""Pictures: which images are on the page, and where."""

import numpy as np
from PIL import Image

from export.web import pictures


def test_from_the_easiest_to_the_hardest():
    macs = np.array([5, 1, 3, 1, 9])
    sure = np.array([0.5, 0.6, 0.5, 0.9, 0.5])
    assert pictures.choose(macs, sure, pixels=64) == [3, 1, 2, 0, 4]


def test_at_most_so_many():
    macs = np.arange(200)
    indices = pictures.choose(macs, np.ones(200), pixels=32 * 32)
    assert len(indices) == pictures.COUNT and indices[0] == 0 and indices[-1] == 199
    assert len(pictures.choose(macs, np.ones(200), pixels=224 * 224)) == 12
    assert pictures.choose(macs[:1], np.ones(1), pixels=64) == [0]


def test_the_sheet_holds_each_image(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 6, 3), "uint8")
    pictures.save_sheet(tmp_path / "images.png", images)
    sheet = np.asarray(Image.open(tmp_path / "images.png"))
    assert sheet.shape == (8, 48, 3)
    np.testing.assert_array_equal(sheet[4:8, 6:12], images[9])
