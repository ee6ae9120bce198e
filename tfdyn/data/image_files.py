"""Image files of any kind, decoded and cropped to the square that a network reads."""

import contextlib
import functools
import threading

import numpy as np
from absl import logging
from PIL import Image, ImageOps, features

from tfdyn.data import png
from tfdyn.errors import UserError
from tfdyn.reading import check_file

# A network that reads images of up to this height and width in pixels gets the whole
# middle square of a file. For larger images it gets 224/256 of the square's side, as is
# usual on ImageNet.
LARGEST_WHOLE = 96
# Pillow's own limit. A decoded image takes 4 bytes a pixel.
LARGEST_PIXELS = 2 * 89_478_485
# Larger images are decoded one at a time, however many threads there are.
LARGE_PIXELS = 2**25
# Formats of Pillow that are not read: those of which it reads the header only, those
# that other programs draw, and those of measurements, whose range is not stated.
UNREAD = (
    {"BUFR", "GRIB", "HDF5", "MPEG"} | {"EPS", "WMF"} | {"FITS", "MCIDAS", "SPIDER"}
)
OPTIONAL = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}
# How the value of EXIF's tag Orientation says that an image is turned upright.
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Tags of TIFF.
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339
_one_at_a_time = threading.Lock()


@functools.cache
def formats() -> tuple[str, ...]:
    """Returns Pillow's names of the image formats that can be read here."""
    Image.init()
    return tuple(
        name
        for name in sorted(Image.OPEN)
        if name not in UNREAD
        and (name not in OPTIONAL or features.check(OPTIONAL[name]))
    )


@functools.cache
def endings() -> frozenset[str]:
    """Returns the endings of image files, in small letters, such as ".jpg"."""
    readable = set(formats())
    registered = Image.registered_extensions()
    return frozenset(ending for ending, name in registered.items() if name in readable)


def open_image(path) -> Image.Image:
    """Reads an image file as a Pillow image in RGB, turned upright by its EXIF data.

    Transparent parts are laid on white. Of 16 bits a channel, the high 8 are kept. Of
    several images in a file, the first is read.

    Args:
        path: Path of the file.

    Raises:
        UserError: If it is no ordinary file, cannot be decoded, has too many pixels, or
            has pixels whose range is not known (signed, of 32 bits, or fractions).
        OSError: If there is no such file, or it may not be read.
    """
    check_file(path)
    try:
        try:
            return _decode(path, path)
        except UserError:
            raise
        except Exception:
            file = png.without_metadata(path)
            if file is None:
                raise
            return _decode(file, path)
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(
            f"{path} has more than {LARGEST_PIXELS} pixels, the most that are read: "
            "make it smaller, or remove it."
        ) from error
    except MemoryError as error:
        raise UserError(
            f"{path} does not fit in memory: make it smaller, or remove it."
        ) from error
    except Exception as error:
        # Pillow's decoders raise errors of many types.
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"{path} cannot be decoded as an image ({reason}): repair or remove it."
        ) from error


def _decode(file, path):
    with Image.open(file, formats=formats()) as image:
        pixels = image.width * image.height
        if pixels > LARGEST_PIXELS:
            raise Image.DecompressionBombError
        with _one_at_a_time if pixels > LARGE_PIXELS else contextlib.nullcontext():
            return _to_rgb(_turn_upright(image), image, path)


def _turn_upright(image):
    image.load()
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION))
    except Exception:  # Metadata of any kind: the pixels are good.
        turn = None
    return image if turn is None else image.transpose(turn)


def _to_rgb(image, source, path):
    """Returns an image as it looks on white; `source` is it before it was turned."""
    tags = getattr(source, "tag_v2", {})
    unsigned = np.isin(tags.get(SAMPLE_FORMAT, 1), (1, 4)).all()
    # Of the modes of more than 8 bits, these hold 0 to 65535.
    deep = image.mode.startswith("I;16")
    deep = deep or image.mode == "I" and source.format in ("PNG", "PPM")
    if not unsigned or (image.mode in ("I", "F") and not deep):
        raise UserError(
            f"{path} has pixels that are signed, fractions or of 32 bits (mode "
            f"{image.mode}), and no file says which value is white: save it with 8 or "
            "16 bits a channel."
        )
    transparent = image.info.get("transparency")
    if deep:
        return _high_byte(image, transparent, tags, path)
    if isinstance(transparent, tuple) and max(transparent) > 255:
        image.info["transparency"] = tuple(value >> 8 for value in transparent)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _high_byte(image, transparent, tags, path):
    """Returns an image of 16 bits, or of 12 as TIFF says, in 8 bits a channel."""
    values = np.asarray(image)
    bits = 12 if tags.get(BITS_PER_SAMPLE) == (12,) else 16
    if bits == 16 and 255 < values.max() < 4096:
        logging.log_first_n(
            logging.WARNING,
            "%s has 16 bits a pixel and no value above 4095, so it is nearly black. If "
            "its camera gives 12 bits, multiply all images by 16. (Said once.)",
            1,
            path,
        )
    grey = (values >> (bits - 8)).astype("uint8")
    if tags.get(PHOTOMETRIC) == 0:  # White is zero.
        grey = 255 - grey
    if isinstance(transparent, int):
        grey = np.where(values == transparent, np.uint8(255), grey)
    return Image.fromarray(grey).convert("RGB")


def load_square(path, size: int, channels: int = 3) -> np.ndarray:
    """Reads the middle square of an image file, resized.

    Args:
        path: Path of the file.
        size: Height and width of the result in pixels.
        channels: 3 for RGB, 1 for shades of grey.

    Returns:
        uint8 array `(size, size, channels)`.

    Raises:
        UserError: If the file cannot be read or decoded, as for `open_image`.
        OSError: If there is no such file, or it may not be read.
    """
    border = 0.0 if size <= LARGEST_WHOLE else 1 / 16
    image = open_image(path).convert("L" if channels == 1 else "RGB")
    image = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC, bleed=border)
    return np.asarray(image).reshape(size, size, channels)
