"""Cases of folders of images: layouts, names, kinds of files, and changes of them."""

import json
import os
import shutil
import zlib

import numpy as np
from hostile.broken_files import CLASSIFY, PHOTOS, TRAIN
from hostile.case import Case
from hostile.places import mine
from PIL import Image

TINY, FOLDER = ("tiny.flags",), ("photos", "tiny.flags")
AGAIN = (
    *TRAIN,
    "--dataset=folder",
    "--data_dir=photos",
    "--image_size=16",
    "--batch_size=2",
    "--run_dir=photo_run",
)
EVALUATE = ("tfdyn.evaluate", "--run_dir=photo_run", "--thresholds=1")
TFLITE = ("export.tflite", "--run_dir=photo_run", "--check_images=4")


def image(path, mode="RGB", size=(20, 16), **options):
    """Writes an image of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = zlib.crc32(os.fsencode(path.name))
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 4), np.uint8)
    Image.fromarray(pixels, "RGBA").convert(mode).save(path, **options)


def classes(*names, count=12, ending=".png"):
    """Returns a function that makes class folders of images."""

    def prepare(folder):
        for name in names:
            for index in range(count):
                image(folder / "photos" / name / f"{index}{ending}")

    return prepare


def also(*changes):
    """Returns a function that makes `photos/` with two classes, then changes it."""

    def prepare(folder):
        classes("cat", "dog")(folder)
        for change in changes:
            change(folder / "photos")

    return prepare


def _deep_tiff(dtype):
    def change(photos):
        pixels = np.linspace(0, 60000, 320).reshape(16, 20).astype(dtype)
        Image.fromarray(pixels).save(photos / "cat/deep.tiff")

    return change


def _raw_name(name):
    def prepare(folder):
        classes("cat", "dog")(folder)
        photos = os.fsencode(folder / "photos")
        os.rename(photos + b"/dog", photos + b"/" + name)

    return prepare


def _linked(photos):
    for index in range(10):
        image(photos.parent / f"more/{index}.png")
    (photos / "cat/more").symlink_to("../../more")


def _text_chunk(photos):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("k", "x" * 2_000_000, zip=True)
    image(photos / "cat/text.png", pnginfo=info)


def _exif(photos):
    image(photos / "cat/exif.jpg", exif=b"Exif\0\0rubbish")


def _bomb(photos):
    Image.new("1", (30_000, 30_000)).save(photos / "cat/bomb.png")


# Title, what prepares it, the words of which an error names one; refused.
REFUSED = [
    ("no classes", lambda folder: (folder / "photos").mkdir(), ("photos",)),
    ("one class", classes("cat"), ("photos",)),
    ("an empty class", also(lambda p: (p / "bird").mkdir()), ("bird",)),
    ("a class of text files", also(lambda p: mine(p / "bird/a.txt")), ("bird",)),
    ("no images at all", lambda f: mine(f / "photos/cat/a.txt"), ("photos",)),
    ("images beside no classes", lambda f: image(f / "photos/a.png"), ("photos",)),
    ("one image a class", classes("cat", "dog", count=1), ("photos",)),
    ("two images a class", classes("a", "b", count=2), ("validation_share",)),
    ("a name with a line break", classes("cat", "new\nline"), ("new\\nline",)),
    ("a name with a tab", classes("cat", "a\tb"), ("a\\tb",)),
    ("a name with an escape", classes("cat", "a\x1b[31m"), ("\\x1b",)),
    ("a name with U+2028", classes("cat", "a\u2028b"), ("\\u2028",)),
    ("a name not in UTF-8", _raw_name(b"caf\xe9"), ("caf",)),
    ("a name in GBK", _raw_name(b"\xc4\xe3"), ("\\udc",)),
    (
        "two training folders",
        classes("train/a", "train/b", "training/a"),
        ("training",),
    ),
    ("test in no class", classes("Trn/a", "Trn/b", "Tst/a", "Tst/b"), ("Trn", "Tst")),
    ("test beside classes", classes("a", "b", "test/a", "test/b"), ("test",)),
    ("train holds folders", classes("train/a", "train/b", "bus"), ("train",)),
    ("a pipe among the images", also(lambda p: os.mkfifo(p / "cat/p.png")), ("p.png",)),
    (
        "a link to nowhere",
        also(lambda p: (p / "cat/l.png").symlink_to("nowhere")),
        ("l.png",),
    ),
    (
        "a link to a device",
        also(lambda p: (p / "cat/z.png").symlink_to("/dev/zero")),
        ("z.png",),
    ),
    ("signed pixels", also(_deep_tiff("int32")), ("deep.tiff",)),
    ("pixels of fractions", also(_deep_tiff("float32")), ("deep.tiff",)),
    ("a bomb", also(_bomb), ("bomb.png",)),
    ("text named .png", also(lambda p: mine(p / "cat/t.png")), ("t.png",)),
    ("photos is a file", lambda f: mine(f / "photos"), ("photos",)),
    ("photos is a link in a circle", lambda f: (f / "photos").symlink_to("photos"), ()),
]
# What is read, with what must be said of it.
ACCEPTED = [
    ("splits in other letters", classes("Train/a", "Train/b", "Test/a", "Test/b"), ""),
    (
        "training and testing",
        classes("training/a", "training/b", "testing/a", "testing/b"),
        "",
    ),
    (
        "valid as the test folder",
        classes("train/a", "train/b", "valid/a", "valid/b"),
        "",
    ),
    ("names with spaces", classes("a b", "c,d", "e=f"), ""),
    ("names in Unicode", classes("猫", "chien é"), ""),
    ("jfif", also(lambda p: image(p / "cat/j.jfif", format="JPEG")), ""),
    ("tif", also(lambda p: image(p / "cat/t.tif")), ""),
    ("webp", also(lambda p: image(p / "cat/w.webp")), ""),
    ("gif", also(lambda p: image(p / "cat/g.gif")), ""),
    ("bmp", also(lambda p: image(p / "cat/b.bmp")), ""),
    ("heic, left out", also(lambda p: mine(p / "cat/x.heic")), "left out"),
    ("text, left out", also(lambda p: mine(p / "cat/x.txt")), "left out"),
    ("no ending, left out", also(lambda p: mine(p / "cat/readme")), "left out"),
    ("a linked folder", also(_linked), "34 images"),
    ("hidden files", also(lambda p: mine(p / "cat/.DS_Store")), ""),
    (
        "a NAS's @eaDir",
        also(lambda p: image(p / "cat/@eaDir/0.jpg/T.jpg")),
        "24 images",
    ),
    ("a Mac's __MACOSX", also(lambda p: image(p / "__MACOSX/a.png")), "24 images"),
    ("a folder called 0.jpg", also(lambda p: image(p / "cat/0.jpg/x.png")), ""),
    ("16 bits", also(_deep_tiff("uint16")), ""),
    ("palette", also(lambda p: image(p / "cat/p.png", "P")), ""),
    ("one bit", also(lambda p: image(p / "cat/1.png", "1")), ""),
    ("grey and alpha", also(lambda p: image(p / "cat/la.png", "LA")), ""),
    ("RGBA", also(lambda p: image(p / "cat/a.png", "RGBA")), ""),
    ("CMYK", also(lambda p: image(p / "cat/c.jpg", "CMYK")), ""),
    ("much text in a PNG", also(_text_chunk), ""),
    ("odd EXIF", also(_exif), ""),
    ("one pixel", also(lambda p: image(p / "cat/1x1.png", size=(1, 1))), ""),
    ("a strip", also(lambda p: image(p / "cat/s.png", size=(9000, 2))), ""),
    ("a class called train", classes("bus", "car", "train"), "taken as a class"),
    ("three images a class", classes("a", "b", "c", count=3), ""),
]


def _renamed(folder):
    (folder / "photos/cat").rename(folder / "photos/zcat")


def _another(folder):
    shutil.copytree(folder / "photos/cat", folder / "photos/bird")


def _added(folder):
    for index in range(2):
        image(folder / f"photos/cat/00new{index}.png")


def _fewer(folder):
    for index in range(4):
        (folder / f"photos/dog/{index}.png").unlink()


def _gone(folder):
    shutil.rmtree(folder / "photos")


def _replaced(folder):
    for index in range(16):
        image(folder / f"photos/cat/{index}.png")


def _one_channel(folder):
    path = folder / "photo_run/input.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"shape": [16, 16, 1]}))


# The folder of a finished run has changed: what it is, commands, what is expected.
CHANGED = [
    (_renamed, (AGAIN, EVALUATE, TFLITE), "refused"),
    (_another, (AGAIN, EVALUATE, TFLITE), "refused"),
    (_gone, (EVALUATE,), "refused"),
    (_gone, (TFLITE,), "said"),
    (_added, (EVALUATE, TFLITE), "said"),
    (_fewer, (EVALUATE, TFLITE), "said"),
    (_replaced, (EVALUATE, TFLITE), "said"),
    (_one_channel, (EVALUATE, TFLITE), "refused"),
]


def cases():
    """Yields the cases."""
    for title, prepare, names in REFUSED:
        yield Case("folder of images", title, PHOTOS, names, TINY, prepare)
    for title, prepare, says in ACCEPTED:
        words = PHOTOS
        kind = "good folder of images"
        yield Case(
            kind, title, words, ("photos",), TINY, prepare, "accepted", says=says
        )
    for change, commands, expect in CHANGED:
        for command in commands:
            yield Case(
                "changed images",
                f"{change.__name__[1:]}, {command[0]}",
                command,
                ("photos", "images", "photo_run"),
                (*FOLDER, "photo_run"),
                change,
                expect,
                writes=("photo_run",),
            )
    for size in ((1, 1), (1, 4000), (5000, 1)):
        for mode in ("RGB", "LA", "P", "1", "I;16"):
            yield Case(
                "image to classify",
                f"{mode} of {size[0]}x{size[1]}",
                CLASSIFY,
                ("image.png",),
                ("run",),
                _image(mode, size),
                "accepted",
            )
    for name in ("a b.png", "-x.png", "ä.png", "x;rm.png"):
        words = ("export.classify", "--model=run/export/model.tflite", "--", name)
        prepare = _named(name)
        yield Case(
            "image to classify", name, words, (name,), ("run",), prepare, "accepted"
        )
    for name in ("nowhere.png", "run", "/dev/zero", "/proc/self/mem", ""):
        words = ("export.classify", "--model=run/export/model.tflite", "--", name)
        yield Case("image to classify", f"{name!r}", words, (name,), ("run",))
    yield Case(
        "folder of images",
        "labels of android are as many lines as classes",
        ("export.android", "--run_dir=photo_run", "--check_images=4"),
        (),
        (*FOLDER, "photo_run"),
        expect="accepted",
        writes=("photo_run",),
    )


def _image(mode, size):
    def prepare(folder):
        if mode == "I;16":
            pixels = np.full(size[::-1], 40_000, np.uint16)
            Image.fromarray(pixels).save(folder / "image.png")
        else:
            image(folder / "image.png", mode, size)

    return prepare


def _named(name):
    return lambda folder: image(folder / name)
