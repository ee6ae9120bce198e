"""Cases of places: foreign files and links where a command writes, and held locks."""

import os
import shutil

from hostile.broken_files import (
    ANDROID,
    EVALUATE,
    LATENCY,
    NEW,
    RESUME,
    SAVED_MODEL,
    TFLITE,
)
from hostile.case import Case

from tfdyn.locks import locked

RUN, TINY = ("run",), ("tiny.flags",)


def mine(path):
    """Puts a user's file at a path, or into a folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")


def _foreign(*names):
    def prepare(folder):
        for name in names:
            mine(folder / name)

    return prepare


def _link(name, target, directory=False):
    """A link in the run that leads to a user's file or folder."""

    def prepare(folder):
        if directory:
            mine(folder / target / "thesis.txt")
        else:
            mine(folder / target)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.symlink_to(os.path.relpath(folder / target, path.parent))

    return prepare


def _held(name):
    def prepare(folder):
        (folder / name).mkdir(parents=True, exist_ok=True)
        return locked(folder / name)

    return prepare


FOREIGN = [
    ((*SAVED_MODEL, "--export_dir=models"), "models/saved_model/thesis.txt"),
    ((*SAVED_MODEL, "--export_dir=models"), "models/saved_model/variables/thesis.txt"),
    ((*SAVED_MODEL, "--export_dir=models"), "models/saved_model"),
    ((*ANDROID, "--export_dir=models"), "models/android/thesis.txt"),
    ((*ANDROID, "--export_dir=models"), "models/android"),
    ((*ANDROID, "--export_dir=models"), "models/android/inputs/thesis.txt"),
    ((*LATENCY, "--output=mine.json"), "mine.partial/thesis.txt"),
    ((*LATENCY, "--output=mine.json"), "mine.partial"),
    ((*LATENCY, "--output=mine.json", "--validate=2"), "mine.validation.partial/x"),
    ((*LATENCY, "--output=x.json", "--validate=2"), "x.validation.json/thesis.txt"),
    (NEW, "new/thesis.txt"),
    (NEW, "new"),
    (NEW, "new/checkpoints/epoch-1.index"),
    (NEW, "new/model.keras"),
    ((*EVALUATE, "--per_image=out.csv"), "out.csv/thesis.txt"),
    ((*TFLITE, "--export_dir=models"), "models/model.tflite/thesis.txt"),
    ((*TFLITE, "--export_dir=models"), "models/manifest.json/thesis.txt"),
    ((*TFLITE, "--export_dir=models"), "models/model.json/thesis.txt"),
    ((*TFLITE, "--export_dir=models"), "models"),
    ((*EVALUATE, "--per_image=mine.csv"), "mine.csv"),
    ((*EVALUATE, "--per_image=thesis.doc"), "thesis.doc"),
    ((*EVALUATE, "--per_image=run/model.keras"), "thesis.txt"),
    ((*EVALUATE, "--per_image=run/flags.txt"), "thesis.txt"),
    ((*EVALUATE, "--per_image=run/latency.host.json"), "thesis.txt"),
    ((*EVALUATE, "--per_image=tiny.flags"), "thesis.txt"),
    ((*LATENCY, "--output=mine.json"), "mine.json"),
    ((*LATENCY, "--output=run/input.json"), "thesis.txt"),
    ((*LATENCY, "--output=run/evaluation.json"), "thesis.txt"),
    ((*LATENCY, "--output=run/export/model.json"), "thesis.txt"),
    ((*LATENCY, "--output=run/export/manifest.json"), "thesis.txt"),
]
# Foreign files that are not in the way: all stay, and the command ends well.
BESIDE = [
    (EVALUATE, ("run/tmp.evaluation.json", "run/tmp.notes.txt", "run/notes/x.txt")),
    (TFLITE, ("run/export/tmp.model.tflite", "run/export/notes.txt", "run/tmp.x/y")),
    (RESUME, ("half/tmp.notes.txt", "half/tmp.notes2/x", "half/checkpoints/notes.txt")),
    (RESUME, ("half/tmp.best.keras", "half/checkpoints/epoch-x.index", "half/a b/c")),
    (LATENCY, ("run/tmp.latency.host.json", "run/host.partial/x", "run/export/a/b")),
]
# Links in a run or an export: the command, the link, and whether it is to a folder.
LINKS = [
    (EVALUATE, "run/evaluation.json", False),
    (EVALUATE, "run/evaluation.png", False),
    (TFLITE, "run/export", True),
    (TFLITE, "run/export/model.tflite", False),
    (TFLITE, "run/export/model.json", False),
    (TFLITE, "run/export/manifest.json", False),
    (SAVED_MODEL, "run/export/saved_model", True),
    (ANDROID, "run/export/android", True),
    (LATENCY, "run/latency.host.partial", True),
    (RESUME, "half/checkpoints", True),
    (RESUME, "half/tensorboard", True),
    (RESUME, "half/metrics.csv", False),
    (RESUME, "half/model.keras", False),
    (RESUME, "half/best.keras", False),
    (RESUME, "half/checkpoints/epoch-2.index", False),
    (RESUME, "half/validation.json", False),
]
HELD = [
    (NEW, "new"),
    (RESUME, "half"),
    (TFLITE, "run/export"),
    (SAVED_MODEL, "run/export"),
    (ANDROID, "run/export"),
    (LATENCY, "run/latency.host.partial"),
]


def cases():
    """Yields the cases."""
    for command, name in FOREIGN:
        top = name.split("/")[0]
        names = (name, os.path.dirname(name) or name, top, "per_image", "output")
        yield Case(
            "foreign file in the way",
            f"{' '.join(command)}, {name}",
            command,
            names,
            (*RUN, *TINY),
            _foreign(name),
            "either" if name == "models" else "refused",
            writes=("run", "new", "models"),
        )
    for command, names in BESIDE:
        for name in names:
            top = "half" if command == RESUME else "run"
            yield Case(
                "foreign file beside",
                f"{' '.join(command)}, {name}",
                command,
                (name,),
                (top, *TINY),
                _foreign(name),
                "accepted",
            )
    for command, name, directory in LINKS:
        for target in ("outside", "elsewhere/deep"):
            top = "half" if command == RESUME else "run"
            names = (name, name.rsplit("/", 1)[-1])
            yield Case(
                "link that leads out",
                f"{' '.join(command)}, {name} to {target}",
                command,
                names,
                (top, *TINY),
                _link(name, target, directory),
                "either",
            )
    for command, name in HELD:
        yield Case(
            "held by another",
            " ".join(command),
            command,
            (name,),
            (*RUN, "half", *TINY),
            _held(name),
        )
