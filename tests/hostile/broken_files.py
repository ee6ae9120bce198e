"""Cases of files that are empty, cut off, of other bytes, or no files at all."""

import os

import numpy as np
from hostile.case import Case

EVALUATE = ("tfdyn.evaluate", "--run_dir=run", "--thresholds=1")
TFLITE = ("export.tflite", "--run_dir=run", "--check_images=4")
SAVED_MODEL = ("export.saved_model", "--run_dir=run", "--check_images=4")
ANDROID = ("export.android", "--run_dir=run", "--check_images=4")
SUMMARY = ("tfdyn.summary", "--run_dir=run")
LATENCY = ("export.latency", "--run_dir=run", "--rounds=1")
CHECK = ("export.latency", "--run_dir=run", "--check")
CLASSIFY = ("export.classify", "image.png", "--model=run/export/model.tflite")
CODEBOOK = ("tfdyn.codebook", "--run_dir=run", "--routes=3", "--output=found.json")
BUDGET = (*TFLITE, "--budget_ms=1000")
TRAIN = ("tfdyn.train", "--flagfile=tiny.flags", "--noevaluate")
RESUME = (*TRAIN, "--run_dir=half")
NEW = (*TRAIN, "--run_dir=new")
CATEGORIES = ("tfdyn.evaluate", "--run_dir=run", "--categories=categories.json")
PHOTOS = (
    *NEW,
    "--dataset=folder",
    "--data_dir=photos",
    "--image_size=16",
    "--batch_size=2",
)
FIXED = (*TFLITE, "--variant=fixed")


def emptied(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeros(path):
    path.write_bytes(bytes(1000))


def noise(path):
    path.write_bytes(np.random.default_rng(1).bytes(5000))


def words(path):
    path.write_text("hello world\n")


def web_page(path):
    path.write_text("<!DOCTYPE html><html><body>404: Not Found</body></html>")


def pointer(path):
    path.write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2\nsize 12345\n"
    )


def utf16(path):
    path.write_text(path.read_bytes().decode("latin-1"), "utf-16")


def latin1(path):
    path.write_bytes(b"caf\xe9\n" + path.read_bytes())


def folder(path):
    path.unlink()
    path.mkdir()
    (path / "thesis.txt").write_text("mine")


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def nowhere(path):
    path.unlink()
    path.symlink_to("nowhere")


def circle(path):
    path.unlink()
    path.symlink_to(path.name)


def device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def vast(path):
    path.unlink()
    with open(path, "wb") as file:
        file.truncate(2**36)  # Sparse: takes no space.


def missing(path):
    path.unlink()


def deep(path):
    path.write_text("[" * 100_000)


def number(path):
    path.write_text("5")


def null(path):
    path.write_text("null")


def array(path):
    path.write_text("[]")


def mapping(path):
    path.write_text("{}")


def text(path):
    path.write_text('"text"')


def twice(path):
    path.write_bytes(path.read_bytes() * 2)


ANY = (emptied, cut, zeros, noise, words, web_page, pointer)
PATHS = (folder, pipe, nowhere, circle, device, vast)
TEXT = (utf16, latin1)
JSON = (deep, number, null, array, mapping, text, twice)

# File: the changes, the commands that read it, and what is in the case's folder.
RUN, HALF = ("run",), ("half", "tiny.flags")
REFUSED = [
    ("run/model.keras", (*ANY, *PATHS), (EVALUATE, TFLITE, SUMMARY), RUN),
    ("run/model.keras", (cut, noise, nowhere, pipe), (SAVED_MODEL, ANDROID), RUN),
    ("run/model.keras", (cut, pipe, folder), (LATENCY, CHECK), RUN),
    ("run/flags.txt", (*ANY[:1], *ANY[2:], *PATHS, *TEXT), (EVALUATE, TFLITE), RUN),
    ("run/input.json", (*ANY, *PATHS, *TEXT, *JSON), (EVALUATE, TFLITE), RUN),
    ("run/input.json", (emptied, cut, deep), (ANDROID, SAVED_MODEL), RUN),
    ("run/latency.host.json", (*ANY, *PATHS, *TEXT, *JSON), (CHECK, BUDGET), RUN),
    ("run/export/model.tflite", (*ANY, *PATHS), (CLASSIFY,), (*RUN, "image.png")),
    (
        "table.json",
        (*ANY, *PATHS, *TEXT, *JSON, missing),
        ((*NEW, "--cost_table=table.json"), (*TFLITE, "--latency_table=table.json")),
        (*RUN, "tiny.flags"),
    ),
    (
        "table.json",
        (cut, noise, folder, deep, null, missing),
        ((*EVALUATE, "--cost_table=table.json"),),
        RUN,
    ),
    ("categories.json", (*ANY, *PATHS, *TEXT, *JSON, missing), (CATEGORIES,), RUN),
    (
        "route.json",
        (*ANY, *PATHS, *TEXT, *JSON, missing),
        ((*FIXED, "--route=route.json"),),
        RUN,
    ),
    (
        "image.png",
        (*ANY, *PATHS, missing),
        (CLASSIFY, (*FIXED, "--image=image.png")),
        RUN,
    ),
    ("tiny.flags", (*ANY[2:], *PATHS, utf16, missing), (NEW,), ()),
    (
        "tiny.flags",
        (noise, folder, missing),
        (("tfdyn.summary", "--flagfile=tiny.flags"),),
        (),
    ),
    ("half/flags.txt", (emptied, zeros, noise, words, *PATHS), (RESUME,), HALF),
    ("half/input.json", (*ANY, *PATHS, deep, null), (RESUME,), HALF),
    ("photos/cat/3.png", (*ANY, *PATHS[1:]), (PHOTOS,), ("photos", "tiny.flags")),
]
# What can be made anew, or is only told: refused or accepted, and named in both.
SAID = [
    ("run/evaluation.json", (*ANY, *PATHS, *TEXT, *JSON[:4]), (TFLITE,), RUN),
    ("run/export/manifest.json", (*ANY, *PATHS, *TEXT, *JSON[:4]), (TFLITE,), RUN),
    ("run/data.json", (*ANY, *PATHS, *TEXT, deep, number, array), (EVALUATE,), RUN),
    ("half/metrics.csv", (*ANY, *PATHS, latin1, missing), (RESUME,), HALF),
    ("half/checkpoints/epoch-1.index", (*ANY, *PATHS, missing), (RESUME,), HALF),
    (
        "half/checkpoints/epoch-1.data-00000-of-00001",
        (*ANY, *PATHS, missing),
        (RESUME,),
        HALF,
    ),
    (
        "run/export/model.json",
        (*ANY, *PATHS, *JSON[:4]),
        (CLASSIFY, TFLITE),
        (*RUN, "image.png"),
    ),
]


def cases():
    """Yields the cases."""
    for expect, table in (("refused", REFUSED), ("said", SAID)):
        for name, changes, commands, uses in table:
            for change in changes:
                for command in commands:
                    yield _case(name, change, command, uses, expect)


def _case(name, change, command, uses, expect):
    def prepare(folder):
        change(folder / name)

    kind = "no ordinary file" if change in PATHS else "broken file"
    top = name.split("/")[0]
    names = (name, name.rsplit("/", 1)[-1])
    if "checkpoints" in name:
        names = ("epoch-1", "checkpoints")
    title = f"{change.__name__} {name}, {' '.join(command)}"
    uses = tuple(dict.fromkeys((*uses, top)))
    return Case(kind, title, command, names, uses, prepare, expect)
