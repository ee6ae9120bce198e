"""Image files of any kind, decoded and cropped to the square that a network reads."""

import numpy as np
from PIL import Image, ImageOps

from tfdyn.errors import UserError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
# A network that reads images of up to this height and width in pixels gets the whole
# middle square of a file. For larger images it gets 224/256 of the square's side, as is
# usual on ImageNet.
LARGEST_WHOLE = 96


def open_image(path) -> Image.Image:
    """Reads an image file as a Pillow image in RGB, turned upright by its EXIF data.

    Args:
        path: Path of the file.

    Raises:
        UserError: If the file cannot be read or decoded.
    """
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:
        # Pillow's decoders raise errors of many types.
        raise UserError(
            f"{path} cannot be decoded as an image ({error}): repair or remove it."
        ) from error


def load_square(path, size: int, channels: int = 3) -> np.ndarray:
    """Reads the middle square of an image file, resized.

    Args:
        path: Path of the file.
        size: Height and width of the result in pixels.
        channels: 3 for RGB, 1 for shades of grey.

    Returns:
        uint8 array `(size, size, channels)`.

    Raises:
        UserError: If the file cannot be read or decoded.
    """
    border = 0.0 if size <= LARGEST_WHOLE else 1 / 16
    image = open_image(path).convert("L" if channels == 1 else "RGB")
    image = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC, bleed=border)
    return np.asarray(image).reshape(size, size, channels)
