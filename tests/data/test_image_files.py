"""Image files as they look: depth, transparency, EXIF, metadata, size."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from absl import logging
from PIL import Image, PngImagePlugin

from tfdyn.data.image_files import endings, load_square, open_image

# The left half is bright, the right half dark.
DEEP = np.repeat(np.uint16([[40000, 3000]]), [20, 20], 1).repeat(20, 0)
HALVES = Image.new("RGB", (40, 20))
HALVES.paste((255, 0, 0), (0, 0, 20, 20))
# Black on a transparent green.
CLEAR = Image.new("RGBA", (40, 20), (10, 200, 10, 0))
CLEAR.paste((0, 0, 0, 255), (0, 0, 20, 20))


def tiff(bits, sample_format, values, photometric=1):
    """A TIFF of 2x2 grey pixels."""
    tags = (
        ((256, 2), (257, 2), (258, bits), (259, 1), (262, photometric))
        + ((273, 134), (277, 1), (278, 2), (279, len(values)))
        + ((339, sample_format),)
    )
    entries = b"".join(struct.pack("<HHIHH", tag, 3, 1, n, 0) for tag, n in tags)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)
    return head + values


def png(depth, color, row, *chunks, width=2, height=2):
    """A PNG whose rows are all the same."""

    def chunk(name, data):
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    size = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", size)]
        + [chunk(*each) for each in chunks]
        + [chunk(b"IDAT", zlib.compress((b"\0" + row) * 2)), chunk(b"IEND", b"")]
    )


def save(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels(path, content):
    """The first and the last pixel of an image file."""
    path.write_bytes(content)
    image = np.asarray(open_image(path))
    return image[0, 0].tolist(), image[-1, -1].tolist()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_the_high_byte_of_16_bits_is_kept(tmp_path, kind):
    content = save(Image.fromarray(DEEP), kind)
    assert pixels(tmp_path / "x", content) == ([156] * 3, [11] * 3)
    square = load_square(tmp_path / "x", 8, channels=1)
    assert square[0, 0, 0] == 156 and square[-1, -1, 0] == 11


def test_12_bits_in_16_are_not_white_and_are_said_to_be_dark(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(logging, "log_first_n", lambda *words: said.append(words))
    content = save(Image.fromarray(DEEP // 16), "PNG")
    assert pixels(tmp_path / "x", content) == ([9] * 3, [0] * 3)
    assert "multiply all images by 16" in said[0][1]


@pytest.mark.parametrize(
    ("content", "first", "last"),
    [
        (tiff(12, 1, bytes([255, 248, 0, 0, 6, 64])), 255, 100),
        (tiff(16, 1, struct.pack("<4H", 0, 1, 1, 65535), 0), 255, 0),
        (b"P5 2 2 4095\n" + struct.pack(">4H", 4095, 0, 0, 100), 255, 6),
        (png(16, 4, struct.pack(">2H", 40000, 65535) * 2), 156, 156),
        (png(16, 4, struct.pack(">2H", 40000, 0) * 2), 255, 255),
        (png(16, 0, b"\0\1\0\2", (b"tRNS", b"\0\1")), 255, 0),
        (png(16, 2, b"\x90\1" * 6, (b"tRNS", b"\x90\1" * 3)), 255, 255),
    ],
    ids=["12", "white is zero", "maxval", "LA", "clear LA", "grey tRNS", "RGB tRNS"],
)
def test_other_forms_of_more_than_8_bits(tmp_path, content, first, last):
    assert pixels(tmp_path / "x", content) == ([first] * 3, [last] * 3)


@pytest.mark.parametrize(
    "content",
    [
        tiff(8, 2, b"\x80\xff\x01\x7f"),
        tiff(16, 2, struct.pack("<4h", -5, 100, 3000, 20000)),
        tiff(32, 1, struct.pack("<4I", 0, 100, 30000, 2**32 - 1)),
        tiff(32, 3, struct.pack("<4f", 0, 0.1, 0.5, 1)),
        save(Image.fromarray(np.float32(DEEP)), "PPM"),
    ],
    ids=["signed 8", "signed 16", "32", "fractions", "PFM"],
)
def test_pixels_of_unknown_range_are_refused(tmp_path, content):
    with pytest.raises(ValueError, match="x has pixels .* save it with 8 or 16 bits"):
        pixels(tmp_path / "x", content)


@pytest.mark.parametrize(
    "content",
    [
        save(CLEAR, "PNG"),
        save(CLEAR.convert("LA"), "PNG"),
        save(CLEAR.quantize(4), "PNG"),
        save(CLEAR, "WEBP", lossless=True),
        save(CLEAR, "TIFF"),
        save(CLEAR, "GIF"),
        png(8, 0, b"\0\1", (b"tRNS", b"\0\1")),
        png(8, 2, bytes(3) + b"\1\2\3", (b"tRNS", b"\0\1\0\2\0\3")),
        png(1, 3, b"\x40", (b"PLTE", bytes(3) + b"\xff\0\0"), (b"tRNS", b"\xff\0")),
    ],
    ids="RGBA LA P WEBP TIFF GIF L-tRNS RGB-tRNS P-tRNS".split(),
)
def test_what_is_transparent_is_white(tmp_path, content):
    assert pixels(tmp_path / "x", content) == ([0] * 3, [255] * 3)


def exif(tag, kind, value, orientation=6):
    """EXIF data that turn an image, with another tag."""
    entries = sorted(
        [
            struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0),
            struct.pack("<HHII", tag, kind, len(value), 38),
        ],
        key=lambda entry: struct.unpack("<H", entry[:2])[0],
    )
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", 2)
    return b"Exif\0\0" + head + b"".join(entries) + bytes(4) + value


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("tag", [0x011A, 0x0100])
def test_odd_exif_does_not_hide_an_image_that_it_turns(tmp_path, tag, kind):
    path = tmp_path / "x"
    HALVES.save(path, kind, exif=exif(tag, 2, b"text\0"))
    image = np.asarray(open_image(path))
    assert image.shape == (40, 20, 3)
    assert image[0, :, 0].min() > 240 and image[-1].max() < 15


@pytest.mark.parametrize("data", [b"Exif\0\0rubbish", exif(1, 9, b"", 77)])
def test_exif_that_says_nothing_is_ignored(tmp_path, data):
    assert pixels(tmp_path / "x", save(HALVES, "JPEG", exif=data))[1] == [0] * 3


@pytest.mark.parametrize("count", [1, 80])
def test_text_in_a_png_does_not_hide_it(tmp_path, count):
    text = PngImagePlugin.PngInfo()
    for number in range(count):
        size = 2_000_000 if count == 1 else 1_000_000
        text.add_text(f"key{number}", "x" * size, zip=True)
    content = save(HALVES, "PNG", pnginfo=text)
    assert pixels(tmp_path / "x", content) == ([255, 0, 0], [0] * 3)


def test_large_profiles_and_broken_text_do_not_hide_it(tmp_path):
    content = save(HALVES, "PNG", icc_profile=b"x" * 3_000_000)
    assert pixels(tmp_path / "x", content)[0] == [255, 0, 0]
    content = png(8, 0, b"\7\7", (b"tEXt", b"key\0text")).replace(b"text", b"tent")
    assert pixels(tmp_path / "x", content)[0] == [7] * 3


def test_broken_pixels_are_not_hidden(tmp_path):
    content = bytearray(png(8, 0, b"\7\7"))
    content[-20] ^= 255
    with pytest.raises(ValueError, match="x cannot be decoded"):
        pixels(tmp_path / "x", bytes(content))


@pytest.mark.parametrize(
    "content",
    [
        png(8, 0, b"\7\7", width=60_000, height=60_000),
        b"P6 1000000 1000000 255\n",
        b"P6 20000 9000 255\n",
    ],
)
def test_too_many_pixels_are_refused_by_their_number(tmp_path, content):
    with pytest.raises(ValueError, match="x has more than 178956970 pixels"):
        pixels(tmp_path / "x", content)


def test_only_ordinary_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        with pytest.raises(ValueError, match="a file is expected"):
            open_image(path)
    with pytest.raises(FileNotFoundError):
        open_image(tmp_path / "nowhere.png")


def test_no_other_program_is_started(tmp_path):
    with pytest.raises(ValueError, match="cannot be decoded"):
        pixels(tmp_path / "x", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    assert not endings() & {".eps", ".ps", ".pdf", ".wmf", ".h5", ".mpg"}


def test_what_pillow_decodes_is_read():
    some = ".jpg .jpeg .jfif .jpe .png .bmp .gif .tif .tiff .webp .ppm .pgm .tga .jp2"
    assert set(some.split()) <= endings()


def test_a_strip_is_cropped_before_it_is_enlarged(tmp_path):
    path = tmp_path / "x.png"
    Image.new("RGB", (60_000, 2), (9, 8, 7)).save(path)
    assert load_square(path, 128).reshape(-1, 3).mean(0).tolist() == [9, 8, 7]
