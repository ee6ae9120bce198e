"""Pictures: files of any kind as the squares that a network reads."""

import numpy as np
from PIL import Image, ImageOps

from tfdyn.errors import UserError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
# Up to this size a network reads the whole middle square; above it, as usual on
# ImageNet, the middle 224 of 256 pixels.
LARGEST_WHOLE = 96


def open_picture(path):
    """Any kind of picture as Pillow's RGB, turned upright.

    Raises:
        ValueError: If it cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:
        # Pillow's many decoders raise many types.
        raise UserError(
            f"{path} cannot be decoded as a picture ({error}); repair or remove it."
        ) from error


def square(path, size, channels=3):
    """The middle square of a picture, uint8 `(size, size, channels)`.

    Args:
        path: Its file.
        size: Height and width in pixels.
        channels: 3, or 1 for shades of grey.
    """
    border = 0.0 if size <= LARGEST_WHOLE else 1 / 16
    image = open_picture(path).convert("L" if channels == 1 else "RGB")
    image = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC, bleed=border)
    return np.asarray(image).reshape(size, size, channels)
