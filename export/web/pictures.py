"""Pictures: the test images on the page, from the easiest to the hardest."""

import pathlib

import numpy as np
from PIL import Image

# The images of the page, and the most pixels that they have together.
COUNT, PIXELS = 48, 600_000
COLUMNS = 8


def choose(macs: np.ndarray, probabilities: np.ndarray, pixels: int) -> list[int]:
    """Chooses images, from the easiest to the hardest.

    An image is easier than another if its route is cheaper or, if both cost the same,
    if the network is surer of its class. The easiest and the hardest one are chosen,
    and others evenly between them.

    Args:
        macs: MACs of each image's route, `(n,)`.
        probabilities: Probability of the most probable class of each image, `(n,)`.
        pixels: Number of pixels of an image: a page holds fewer large ones.

    Returns:
        Indices of at most `COUNT` images.
    """
    order = np.lexsort((-probabilities, macs))
    count = min(len(order), COUNT, max(12, PIXELS // pixels))
    return [int(i) for i in order[np.linspace(0, len(order) - 1, count).astype(int)]]


def save_sheet(path: pathlib.Path, images: np.ndarray) -> None:
    """Writes images side by side into one PNG, in rows of `COLUMNS`.

    Args:
        path: Path of the file.
        images: uint8 images `(n, height, width, channels)` of 1 or 3 channels.
    """
    count, height, width, channels = images.shape
    rows = -(-count // COLUMNS)
    sheet = np.zeros((rows * height, COLUMNS * width, channels), "uint8")
    for index, image in enumerate(images):
        row, column = divmod(index, COLUMNS)
        top, left = row * height, column * width
        sheet[top : top + height, left : left + width] = image
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(path, optimize=True)
